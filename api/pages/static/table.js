// Tables with headings on two sides, in a frame that scrolls by itself where the page is narrow.

import { around, element } from "./text.js";

/**
 * Make a table. The first cell of each row is its heading; a cell is a text, or a list of elements.
 */
export function tableOf(caption, heads, rows) {
  const table = around("table", [
    element("caption", caption, "unseen"),
    around("thead", [around("tr", heads.map((head) => headOf("col", head)))]),
    around("tbody", rows.map(([first, ...rest]) => around("tr", [headOf("row", first), ...rest.map(cellOf)]))),
  ]);
  const frame = around("div", [table], "scroll");
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", caption);
  return frame;
}

const insideOf = (cell) => (Array.isArray(cell) ? cell : [String(cell)]);

function headOf(scope, inside) {
  const head = around("th", insideOf(inside));
  head.scope = scope;
  head.dir = "auto";
  return head;
}

function cellOf(inside) {
  const cell = around("td", insideOf(inside));
  cell.dir = "auto";
  return cell;
}
