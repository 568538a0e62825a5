/* A disk whose power can fail: preloaded into a process, it keeps beside a folder what of it is durable.
 *
 * The model is that of a file system with an ordered journal (ext4, XFS):
 *
 * - What a file holds is durable once fsync, fdatasync or msync(MS_SYNC) of it has returned, and only the range that
 *   was named. Nothing else makes it so: no close, no rename, no time that passes.
 * - Names (create, rename, unlink, mkdir, rmdir) become durable in the order in which they were made. All made so far
 *   are once an fsync of any file or folder has returned; an fdatasync or msync does it only where the file is new or
 *   has grown since. Until then some of them are, from the first on, and the rest is not.
 * - So is a length that is set (ftruncate, fallocate); one that a write has led to is durable with what was written.
 *
 * In DISK_STATE it finds `known`, a line "INODE NUMBER" for each file that is there already, and `durable/NUMBER`, what
 * each holds; it keeps `durable` up to date, and writes what becomes of the names to `names`: fields that end with a
 * zero byte, in lines that end with a line feed. Before each of these events it counts, and at those named in
 * DISK_STOPS (",3,17,") it writes a byte to DISK_TELL and waits for one from DISK_HEAR: meanwhile nothing becomes
 * durable, and somebody may look what a power cut would leave. The real fsync is spared.
 *
 * It is the system calls that are watched, by a filter of seccomp that turns them into signals, and not the functions
 * of the C library: parts of the engine in process make their calls without it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARGUMENT(context, n) \
    ((context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9}[n]])
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define ARGUMENT(context, n) ((context)->uc_mcontext.regs[n])
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#else
#error "system calls of this machine are not known here"
#endif

#define MOST_FILES (1 << 16)
#define PASS 0x6e746b6469736b21 /* the sixth argument of a call that is our own */

struct file {
    ino_t inode;
    long number;
    int is_new; /* its name is not durable yet */
};

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct file files[MOST_FILES];
static int known, names = -1, tell = -1, hear = -1;
static long events, last_number;
static char root[PATH_MAX], state[PATH_MAX];
static size_t root_length;
static const char *stops = "";

static void fail(const char *what) {
    dprintf(2, "disk: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static long call(long number, long a, long b, long c, long d, long e) {
    return syscall(number, a, b, c, d, e, PASS);
}

static int opened(const char *path, int flags) {
    return (int)call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0600, 0);
}

/* --- events --------------------------------------------------------------------------------- */

static void before_event(void) {
    char wanted[32], byte = '.';
    snprintf(wanted, sizeof wanted, ",%ld,", ++events);
    if (!strstr(stops, wanted)) return;
    if (write(tell, &byte, 1) != 1 || read(hear, &byte, 1) != 1) fail("stop");
}

static void note(const char *kind, const char *first, const char *second) {
    char line[2 * PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s%c%s%c%s%c\n", kind, 0, first, 0, second, 0);
    if (write(names, line, length) != length) fail("names");
}

static void commit(void) {
    note("commit", "", "");
    for (int each = 0; each < known; each++) files[each].is_new = 0;
}

/* Give the place of a path below the watched folder, or none. */
static const char *place(int folder, const char *path, char *absolute) {
    if (!root_length) return NULL;
    if (path[0] == '/') {
        snprintf(absolute, PATH_MAX, "%s", path);
    } else {
        char link[64], above[PATH_MAX];
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, above, sizeof above - 1);
        if (length < 0) return NULL;
        above[length] = 0;
        if (length + strlen(path) + 2 > PATH_MAX) return NULL;
        memcpy(absolute, above, length);
        absolute[length] = '/';
        strcpy(absolute + length + 1, path);
    }
    if (strncmp(absolute, root, root_length) || (absolute[root_length] && absolute[root_length] != '/')) return NULL;
    return absolute[root_length] ? absolute + root_length + 1 : ".";
}

static struct file *file_of(ino_t inode) {
    for (int each = known - 1; each >= 0; each--)
        if (files[each].inode == inode) return &files[each];
    return NULL;
}

static void created(ino_t inode, const char *where) {
    struct file *file = file_of(inode); /* an inode that another file had before it was removed */
    char number[32];
    if (!file) {
        if (known == MOST_FILES) fail("too many files");
        file = &files[known++];
    }
    *file = (struct file){inode, ++last_number, 1};
    snprintf(number, sizeof number, "%ld:%lu", file->number, (unsigned long)inode);
    note("create", number, where);
}

/* --- what a file holds ---------------------------------------------------------------------- */

static void copy(int from, int to, off_t start, off_t end) {
    static char buffer[1 << 16];
    while (start < end) {
        off_t data = lseek(from, start, SEEK_DATA);
        if (data < 0 || data > end) data = end;
        const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        if (data > start && call(SYS_fallocate, to, punch, start, data - start, 0)) {
            memset(buffer, 0, sizeof buffer);
            for (off_t at = start; at < data; at += sizeof buffer)
                if (pwrite(to, buffer, data - at < (off_t)sizeof buffer ? data - at : (off_t)sizeof buffer, at) < 0)
                    fail("zeros");
        }
        off_t hole = data < end ? lseek(from, data, SEEK_HOLE) : end;
        if (hole < 0 || hole > end) hole = end;
        for (start = data; start < hole;) {
            size_t wanted = hole - start < (off_t)sizeof buffer ? (size_t)(hole - start) : sizeof buffer;
            ssize_t got = pread(from, buffer, wanted, start);
            if (got <= 0) return;
            if (pwrite(to, buffer, got, start) != got) fail("durable");
            start += got;
        }
    }
}

static void keep(int from, struct file *file, off_t start, off_t end, int all) {
    char path[PATH_MAX + 32];
    struct stat there, kept;
    snprintf(path, sizeof path, "%s/durable/%ld", state, file->number);
    int to = opened(path, O_RDWR | O_CREAT);
    if (to < 0 || fstat(from, &there) || fstat(to, &kept)) fail("durable");
    if (end > there.st_size) end = there.st_size;
    if (kept.st_size != there.st_size && call(SYS_ftruncate, to, there.st_size, 0, 0, 0)) fail("durable");
    copy(from, to, start, end);
    close(to);
    snprintf(path, sizeof path, "%ld", file->number);
    note("kept", path, "");
    if (all || file->is_new || kept.st_size != there.st_size) commit();
}

/* Say whether a descriptor is of something watched; then `file` is it, or none for a folder. */
static int watched(int descriptor, struct file **file) {
    char link[64], path[PATH_MAX];
    struct stat there;
    *file = NULL;
    if (!root_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, root, root_length) || (path[root_length] && path[root_length] != '/')) return 0;
    if (fstat(descriptor, &there)) return 0;
    if (S_ISREG(there.st_mode)) {
        *file = file_of(there.st_ino);
        if (!*file) note("unknown", path, "");
    }
    return 1;
}

static long resize(int descriptor, long number, const long a[5]) {
    struct file *file;
    struct stat there;
    char which[32], length[32];
    pthread_mutex_lock(&turn);
    if (watched(descriptor, &file)) before_event();
    long done = call(number, a[0], a[1], a[2], a[3], a[4]);
    int error = errno;
    if (!done && file && !fstat(descriptor, &there)) {
        snprintf(which, sizeof which, "%ld", file->number);
        snprintf(length, sizeof length, "%ld", (long)there.st_size);
        note("size", which, length);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

static int sync_file(int descriptor, int all) {
    struct file *file;
    pthread_mutex_lock(&turn);
    int mine = watched(descriptor, &file);
    if (mine) {
        before_event();
        if (file) {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor); /* it may be open for writing alone */
            int from = opened(link, O_RDONLY);
            if (from < 0) fail("read");
            keep(from, file, 0, INT64_MAX, all);
            close(from);
        } else {
            commit();
        }
    }
    pthread_mutex_unlock(&turn);
    return mine;
}

static int sync_memory(uintptr_t low, size_t length) {
    uintptr_t high = low + length;
    char line[PATH_MAX + 256];
    int mine = 0;
    pthread_mutex_lock(&turn);
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long begins, ends, offset, inode;
        int path_at = 0;
        if (sscanf(line, "%lx-%lx %*s %lx %*s %lu %n", &begins, &ends, &offset, &inode, &path_at) < 4) continue;
        if (ends <= low || begins >= high || !path_at) continue;
        char *path = line + path_at;
        path[strcspn(path, "\n")] = 0;
        if (strncmp(path, root, root_length) || path[root_length] != '/') continue;
        mine = 1;
        before_event();
        struct file *file = file_of(inode);
        int from = opened(path, O_RDONLY);
        struct stat there;
        if (from < 0) continue; /* it was removed meanwhile, so nobody can miss it */
        if (!file) {
            note("unknown", path, "");
        } else if (!fstat(from, &there) && there.st_ino == inode) {
            off_t start = offset + (low > begins ? low - begins : 0);
            off_t end = offset + ((high < ends ? high : ends) - begins);
            keep(from, file, start, end, 0);
        }
        close(from);
    }
    if (maps) fclose(maps);
    pthread_mutex_unlock(&turn);
    return mine;
}

/* --- names ---------------------------------------------------------------------------------- */

static long create(int folder, const char *path, int flags, mode_t mode) {
    char absolute[PATH_MAX];
    struct stat there;
    const char *where = place(folder, path, absolute);
    if (!where) return call(SYS_openat, folder, (long)path, flags, mode, 0);
    pthread_mutex_lock(&turn);
    int is_new = fstatat(folder, path, &there, 0) != 0;
    if (is_new) before_event();
    long descriptor = call(SYS_openat, folder, (long)path, flags, mode, 0);
    int error = errno;
    if (is_new && descriptor >= 0 && !fstat((int)descriptor, &there)) created(there.st_ino, where);
    pthread_mutex_unlock(&turn);
    errno = error;
    return descriptor;
}

/* Do what changes a name, and note it if it was done. */
static long name(const char *kind, int from_folder, const char *from, int to_folder, const char *to, long number,
                 const long arguments[5]) {
    char first[PATH_MAX], second[PATH_MAX];
    const char *old = place(from_folder, from, first), *new = place(to_folder, to, second);
    if (!old && !new)
        return call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
    pthread_mutex_lock(&turn);
    before_event();
    long done = call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
    int error = errno;
    if (!done) note(kind, old ? old : "", new ? new : "");
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

/* --- system calls --------------------------------------------------------------------------- */

static const int watched_calls[] = {
    SYS_fsync,   SYS_fdatasync, SYS_msync,    SYS_ftruncate, SYS_fallocate,
    SYS_openat,  SYS_mkdirat,   SYS_unlinkat, SYS_renameat2, SYS_linkat,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_open
    SYS_open, SYS_creat, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_link,
#endif
};

static long answer(long number, const long a[5]) {
#define PATH(n) ((const char *)a[n])
    switch (number) {
    case SYS_fsync:
    case SYS_fdatasync:
        return sync_file((int)a[0], number == SYS_fsync) ? 0 : call(number, a[0], 0, 0, 0, 0);
    case SYS_msync:
        return a[2] & MS_SYNC && sync_memory(a[0], a[1]) ? 0 : call(number, a[0], a[1], a[2], 0, 0);
    case SYS_ftruncate:
    case SYS_fallocate:
        return resize((int)a[0], number, a);
    case SYS_openat:
        if (a[2] & O_CREAT) return create((int)a[0], PATH(1), (int)a[2], (mode_t)a[3]);
        return call(number, a[0], a[1], a[2], a[3], 0);
    case SYS_mkdirat:
        return name("folder", (int)a[0], PATH(1), (int)a[0], PATH(1), number, a);
    case SYS_unlinkat:
        return name("remove", (int)a[0], PATH(1), (int)a[0], PATH(1), number, a);
    case SYS_linkat:
        return name("link", (int)a[0], PATH(1), (int)a[2], PATH(3), number, a);
#ifdef SYS_renameat
    case SYS_renameat:
        return name("rename", (int)a[0], PATH(1), (int)a[2], PATH(3), number, a);
#endif
    case SYS_renameat2:
        if (a[4] & RENAME_EXCHANGE) fail("an exchange of names is not modelled");
        return name("rename", (int)a[0], PATH(1), (int)a[2], PATH(3), number, a);
#ifdef SYS_open
    case SYS_open:
        if (a[1] & O_CREAT) return create(AT_FDCWD, PATH(0), (int)a[1], (mode_t)a[2]);
        return call(number, a[0], a[1], a[2], 0, 0);
    case SYS_creat:
        return create(AT_FDCWD, PATH(0), O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
    case SYS_mkdir:
        return name("folder", AT_FDCWD, PATH(0), AT_FDCWD, PATH(0), number, a);
    case SYS_rmdir:
    case SYS_unlink:
        return name("remove", AT_FDCWD, PATH(0), AT_FDCWD, PATH(0), number, a);
    case SYS_rename:
        return name("rename", AT_FDCWD, PATH(0), AT_FDCWD, PATH(1), number, a);
    case SYS_link:
        return name("link", AT_FDCWD, PATH(0), AT_FDCWD, PATH(1), number, a);
#endif
    }
    fail("a call that was not asked for");
    return -1;
}

static void trapped(int signal, siginfo_t *info, void *given) {
    ucontext_t *context = given;
    int error = errno;
    (void)signal;
    const long arguments[5] = {ARGUMENT(context, 0), ARGUMENT(context, 1), ARGUMENT(context, 2),
                               ARGUMENT(context, 3), ARGUMENT(context, 4)};
    long result = answer(info->si_syscall, arguments);
    RESULT(context) = result == -1 ? -errno : result;
    errno = error;
}

static void watch(void) {
    enum { CALLS = sizeof watched_calls / sizeof *watched_calls };
    struct sock_filter filter[CALLS + 7];
    int at = 0;
    const unsigned sixth = offsetof(struct seccomp_data, args[5]);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sixth);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)PASS, 0, 2);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sixth + 4);
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(PASS >> 32), CALLS + 1, 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int each = 0; each < CALLS; each++)
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)watched_calls[each],
                                                    CALLS - each, 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {(unsigned short)at, filter};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    if (sigaction(SIGSYS, &action, NULL)) fail("signal");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) fail("filter");
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("DISK_ROOT"), *beside = getenv("DISK_STATE");
    if (!folder || !beside) return;
    char path[PATH_MAX + 16];
    snprintf(state, sizeof state, "%s", beside);
    snprintf(path, sizeof path, "%s/known", state);
    FILE *list = fopen(path, "r");
    unsigned long inode;
    long number;
    if (!list) fail("known");
    while (known < MOST_FILES && fscanf(list, "%lu %ld", &inode, &number) == 2) {
        files[known++] = (struct file){inode, number, 0};
        if (number > last_number) last_number = number;
    }
    fclose(list);
    snprintf(path, sizeof path, "%s/names", state);
    names = opened(path, O_WRONLY | O_CREAT | O_APPEND);
    if (names < 0) fail("names");
    if (getenv("DISK_STOPS")) stops = strdup(getenv("DISK_STOPS"));
    if (getenv("DISK_TELL")) tell = atoi(getenv("DISK_TELL"));
    if (getenv("DISK_HEAR")) hear = atoi(getenv("DISK_HEAR"));
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    watch();
}
