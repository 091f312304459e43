// Boxes and tiles drawn over a picture, as SVG that scales with it.
//
//   "[[100, 200, 500, 600]]" --parseBoxes--> thousandths of width and height --drawPlaces--> rectangles and labels

import {say} from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const MAX_LENGTH = 8000;
export const COLOURS = 8;  // classes .c0 to .c7

/** Boxes written as `[[x1, y1, x2, y2], ...]` (or one `[x1, y1, x2, y2]`), 0 to 1000; null for anything else. */
export function parseBoxes(written) {
  if (written.length > MAX_LENGTH) return null;
  let boxes;
  try {
    boxes = JSON.parse(written);
  } catch {
    return null;
  }
  if (Array.isArray(boxes) && boxes.length === 4 && boxes.every(Number.isFinite)) boxes = [boxes];
  return Array.isArray(boxes) && boxes.length > 0 && boxes.every(isBox) ? boxes : null;
}

function isBox(box) {
  if (!Array.isArray(box) || box.length !== 4 || !box.every((side) => Number.isFinite(side) && side >= 0 && side <= 1000)) return false;
  return box[0] <= box[2] && box[1] <= box[3];
}

/** A picture in a frame that is exactly as large as the picture, ready to be drawn over. */
export function framed(url, className) {
  const frame = document.createElement("div");
  frame.className = `frame ${className}`;
  const image = frame.appendChild(document.createElement("img"));
  image.src = url;
  return {frame, image};
}

/** Draw places over a framed picture; earlier drawings on it are replaced. */
export function drawPlaces(frame, places) {
  frame.querySelectorAll("svg, .tag").forEach((element) => element.remove());
  const svg = overlay(1000, 1000);
  places.forEach(({label, boxes}, index) => {
    for (const [x1, y1, x2, y2] of boxes) {
      for (const layer of ["under", "over"]) {
        const shape = {x: x1, y: y1, width: x2 - x1, height: y2 - y1};
        svg.append(drawn("rect", shape, `${layer} c${index % COLOURS}`, index));
      }
      frame.append(tag(label, index, x1, y1));
    }
  });
  frame.insertBefore(svg, frame.querySelector(".tag"));
}

function tag(label, index, x, y) {
  const element = document.createElement("span");
  element.className = `tag c${index % COLOURS}`;
  element.dataset.place = index;
  element.style.left = `${Math.min(x, 940) / 10}%`;
  element.style.top = `${y / 10}%`;
  if (y < 60) element.classList.add("below");
  if (label) element.textContent = label;
  else say(element, "boxName", {n: index + 1});
  return element;
}

/** Draw the cuts between tiles over a framed picture. */
export function drawTiles(frame, {columns, rows}) {
  frame.querySelectorAll("svg").forEach((element) => element.remove());
  if (columns * rows < 2) return;
  const svg = overlay(columns, rows);
  for (const layer of ["under", "over"]) {
    for (let x = 1; x < columns; x += 1) svg.append(drawn("line", {x1: x, x2: x, y1: 0, y2: rows}, layer));
    for (let y = 1; y < rows; y += 1) svg.append(drawn("line", {x1: 0, x2: columns, y1: y, y2: y}, layer));
  }
  frame.append(svg);
}

function overlay(width, height) {
  const svg = drawn("svg", {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none"}, "drawing");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

function drawn(name, attributes, className, place) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.setAttribute("class", className);
  if (place !== undefined) element.dataset.place = place;
  return element;
}
