// The markdown of an answer as elements: paragraphs, headings, code, lists, tables, quotes, and the family's marks of places.
//
//   text --blocks--> lines --inline--> DOM, made with createElement and text nodes only; links and pictures stay text
//
// An answer is untrusted: nothing here reads markup, no address becomes a link, and every search is linear in the text's length.

import {copyText} from "./copy.js";
import {parseBoxes} from "./boxes.js";
import {say} from "./texts.js";

const MAX_DEPTH = 6;
const LIST_ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TAGS = ["<ref>", "</ref>", "<box>", "</box>"];

/** `text` as {nodes, places}; places: [{label, boxes: [[x1, y1, x2, y2], ...]}] in thousandths, in the order they are named. */
export function render(text, {growing = false} = {}) {
  const nodes = document.createDocumentFragment();
  const places = [];
  blocks(nodes, (growing ? withoutOpenEnd(text) : text).split("\n"), {places, depth: 0});
  return {nodes, places};
}

/** While an answer grows, a mark that is not complete yet is not shown. */
function withoutOpenEnd(text) {
  let end = text.length;
  const box = text.lastIndexOf("<box>");
  if (box >= 0 && text.indexOf("</box>", box) < 0) end = box;
  const bare = text.lastIndexOf("[[");
  if (bare >= 0 && /^\[\[[\d\s,.[\]]*$/.test(text.slice(bare, bare + 4000)) && text.indexOf("]]", bare) < 0) end = Math.min(end, bare);
  const tag = text.lastIndexOf("<");
  if (tag >= 0 && TAGS.some((one) => one.startsWith(text.slice(tag)))) end = Math.min(end, tag);
  return text.slice(0, end);
}

function blocks(parent, lines, context) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (fenceOf(line)) at = fence(parent, lines, at, context);
    else if (/^ {0,3}#{1,6}\s/.test(line)) at = heading(parent, lines, at, context);
    else if (isRule(line)) at = rule(parent, at);
    else if (isTable(lines, at)) at = table(parent, lines, at, context);
    else if (isQuote(line) && context.depth < MAX_DEPTH) at = quote(parent, lines, at, context);
    else if (LIST_ITEM.test(line)) at = list(parent, lines, at, context);
    else at = paragraph(parent, lines, at, context);
  }
}

const fenceOf = (line) => /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
const isQuote = (line) => /^ {0,3}>/.test(line);
const isRule = (line) => /^(-{3,}|\*{3,}|_{3,})$/.test(line.replace(/\s/g, ""));
const isTable = (lines, at) => lines[at].includes("|") && /^[\s|:-]*-[\s|:-]*$/.test((lines[at + 1] ?? "").slice(0, 500)) && lines[at + 1].includes("|");
const startsBlock = (lines, at) => !lines[at].trim() || fenceOf(lines[at]) || /^ {0,3}#{1,6}\s/.test(lines[at]) || isRule(lines[at])
  || isTable(lines, at) || isQuote(lines[at]) || LIST_ITEM.test(lines[at]);

function fence(parent, lines, start, context) {
  const mark = fenceOf(lines[start]);
  let end = start + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  const inside = lines.slice(start + 1, end);
  if (inside.some((line) => line.includes("<box>"))) {
    // Detection answers come as a fenced list of marked places.
    for (const line of inside) inline(parent.appendChild(make("p")), line, context);
    return end + 1;
  }
  const block = parent.appendChild(make("div", "code"));
  const copy = block.appendChild(make("button", "small copy-code"));
  copy.type = "button";
  say(copy, "copyCode");
  copy.addEventListener("click", () => copyText(inside.join("\n"), copy));
  const pre = block.appendChild(make("pre"));
  pre.tabIndex = 0;  // wide code scrolls sideways, by keyboard too
  pre.appendChild(make("code")).textContent = inside.join("\n");
  return end + 1;
}

function rule(parent, at) {
  parent.append(make("hr"));
  return at + 1;
}

function heading(parent, lines, at, context) {
  const [, marks, title] = /^\s*(#{1,6})\s+(.*)$/.exec(lines[at]) ?? [null, "#", lines[at]];
  inline(parent.appendChild(make(`h${Math.min(6, marks.length + 2)}`)), title, context);
  return at + 1;
}

function quote(parent, lines, start, context) {
  let end = start;
  while (end < lines.length && isQuote(lines[end])) end += 1;
  const inside = lines.slice(start, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  blocks(parent.appendChild(make("blockquote")), inside, {...context, depth: context.depth + 1});
  return end;
}

function table(parent, lines, start, context) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const sides = cells(lines[start + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left"));
  const scroller = parent.appendChild(make("div", "table"));
  scroller.tabIndex = 0;
  const element = scroller.appendChild(make("table"));
  const row = (section, line, kind) => {
    const tr = section.appendChild(make("tr"));
    cells(line).slice(0, sides.length).forEach((cell, column) => {
      const td = tr.appendChild(make(kind, sides[column]));
      if (kind === "th") td.scope = "col";
      inline(td, cell, context);
    });
  };
  row(element.appendChild(make("thead")), lines[start], "th");
  const body = element.appendChild(make("tbody"));
  let at = start + 2;
  for (; at < lines.length && lines[at].includes("|"); at += 1) row(body, lines[at], "td");
  return at;
}

function list(parent, lines, start, context) {
  const open = [];  // the lists an item may go into, outermost first: {indent, element}
  let at = start;
  for (; at < lines.length; at += 1) {
    const item = LIST_ITEM.exec(lines[at]);
    if (!item) {
      const goesOn = /^\s{2,}\S/.test(lines[at]) && !fenceOf(lines[at]);
      const blankWithin = !lines[at].trim() && LIST_ITEM.test(lines[at + 1] ?? "");
      if (goesOn) inline(open.at(-1).element.lastChild.appendChild(make("div")), lines[at].trim(), context);
      if (goesOn || blankWithin) continue;
      break;
    }
    const [, indent, mark, words] = item;
    const ordered = /\d/.test(mark);
    while (open.length > 1 && indent.length < open.at(-1).indent) open.pop();
    if (!open.length || (indent.length > open.at(-1).indent + 1 && open.length < MAX_DEPTH)) {
      const element = make(ordered ? "ol" : "ul");
      if (ordered) element.start = Number.parseInt(mark, 10);
      (open.at(-1)?.element.lastChild ?? parent).appendChild(element);
      open.push({indent: indent.length, element});
    } else if (open.length === 1 && ordered !== (open[0].element.tagName === "OL")) {
      return list(parent, lines, at, context);
    }
    inline(open.at(-1).element.appendChild(make("li")), words, context);
  }
  return at;
}

function paragraph(parent, lines, start, context) {
  let end = start + 1;
  while (end < lines.length && !startsBlock(lines, end)) end += 1;
  inline(parent.appendChild(make("p")), lines.slice(start, end).join("\n"), context);
  return end;
}

/** Emphasis, code and places within a line. An opening mark without its end is text. */
function inline(parent, text, context) {
  const find = finder(text);
  let plain = 0;
  let at = 0;
  const special = /[`*_<[\\]/g;
  while ((special.lastIndex = at) < text.length) {
    const found = special.exec(text);
    if (!found) break;
    const span = readSpan(text, found.index, find, context);
    if (span) {
      parent.append(text.slice(plain, found.index));
      if (span.node) parent.append(span.node);
      plain = at = span.end;
    } else {
      at = found.index + 1;
    }
  }
  parent.append(text.slice(plain));
}

/** Where a mark comes next, searched once for each stretch of text however often it is asked. */
function finder(text) {
  const known = new Map();
  return (mark, from) => {
    const last = known.get(mark);
    if (last && last.from <= from && (last.at < 0 || last.at >= from)) return last.at;
    const at = text.indexOf(mark, from);
    known.set(mark, {from, at});
    return at;
  };
}

function readSpan(text, at, find, context) {
  switch (text[at]) {
    case "\\": return /[\\`*_<[\]|#]/.test(text[at + 1] ?? "") ? {node: text[at + 1], end: at + 2} : null;
    case "`": return readCode(text, at, find);
    case "<": return readTag(text, at, find, context);
    case "[": return readBareBox(text, at, find, context);
    default: return readEmphasis(text, at, find, context);
  }
}

function readCode(text, at, find) {
  const mark = text.startsWith("``", at) ? "``" : "`";
  const end = find(mark, at + mark.length);
  if (end < 0) return null;
  const node = make("code");
  node.textContent = text.slice(at + mark.length, end).trim();
  return {node, end: end + mark.length};
}

function readEmphasis(text, at, find, context) {
  const mark = text[at] === text[at + 1] ? text[at] + text[at] : text[at];
  const start = at + mark.length;
  const end = find(mark, start);
  const inWord = mark[0] === "_" && (/\w/.test(text[at - 1] ?? "") || /\w/.test(text[end + mark.length] ?? ""));
  if (end <= start || inWord || /\s/.test(text[start]) || /\s/.test(text[end - 1])) return null;
  const node = make(mark.length === 2 ? "strong" : "em");
  inline(node, text.slice(start, end), context);
  return {node, end: end + mark.length};
}

function readTag(text, at, find, context) {
  if (text.startsWith("<ref>", at)) {
    const end = find("</ref>", at);
    if (end < 0) return {node: null, end: at + 5};
    const label = text.slice(at + 5, end).trim();
    const after = /^\s{0,8}/.exec(text.slice(end + 6, end + 14))[0].length + end + 6;
    return readBox(text, after, label, find, context) ?? {node: label, end: end + 6};
  }
  if (/^<br\s?\/?>/i.test(text.slice(at, at + 6))) return {node: make("br"), end: text.indexOf(">", at) + 1};
  return readBox(text, at, "", find, context);
}

function readBox(text, at, label, find, context) {
  if (!text.startsWith("<box>", at)) return null;
  const end = find("</box>", at);
  const boxes = end < 0 ? null : parseBoxes(text.slice(at + 5, end));
  return boxes && {node: place(label, boxes, context), end: end + 6};
}

/** Without its control tokens a grounding answer reads `phrase[[x1, y1, x2, y2]]`. */
function readBareBox(text, at, find, context) {
  if (text[at + 1] !== "[") return null;
  const end = find("]]", at);
  const boxes = end < 0 ? null : parseBoxes(text.slice(at, end + 2));
  return boxes && {node: place("", boxes, context), end: end + 2};
}

/** A name that lights up its boxes on the picture; equal labels share a colour. */
function place(label, boxes, {places}) {
  const same = label ? places.findIndex((one) => one.label === label) : -1;
  const index = same >= 0 ? same : places.push({label, boxes: []}) - 1;
  places[index].boxes.push(...boxes);
  const node = make("button", "place");
  node.type = "button";
  node.dataset.place = index;
  const name = node.appendChild(make("span"));
  if (label) name.textContent = label;
  else say(name, "boxName", {n: index + 1});
  return node;
}

export function make(tag, className = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}
