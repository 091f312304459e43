// How questions and answers look: elements of one turn, and the answer that grows while it streams.

import {copyText} from "./copy.js";
import {drawPlaces, framed} from "./boxes.js";
import {make, render} from "./render.js";
import {hush, say} from "./texts.js";

/** The element of a question with what was shown. */
export function questionView({words, attachments}) {
  const turn = turnElement("question", "you");
  if (attachments.length) {
    const row = turn.appendChild(make("div", "media"));
    for (const one of attachments) row.append(mediaElement(one, ""));
  }
  if (words) turn.appendChild(make("p")).textContent = words;
  return turn;
}

export function mediaElement({kind, name, url}, className) {
  if (kind === "image") {
    const {frame, image} = framed(url, className);
    say(image, "picture", {name}, "alt");
    return frame;
  }
  const video = make("video", className);
  video.src = url;
  video.controls = true;
  video.muted = true;
  video.preload = "metadata";
  return say(video, "video", {name}, "label");
}

function turnElement(kind, speaker) {
  const turn = make("article", `turn ${kind}`);
  say(turn, speaker, {}, "label");
  return turn;
}

/** An answer on the page: grow(text), then finish(...) once. pictures: those a place may be drawn on, the last one by default. */
export class AnswerView {
  constructor(pictures, {onRetry}) {
    this.element = turnElement("answer", "model");
    this.element.setAttribute("aria-busy", "true");
    this.pictures = pictures;
    this.body = this.element.appendChild(make("div", "body"));
    this.figure = this.element.appendChild(make("figure"));
    this.figure.hidden = true;
    this.note = this.element.appendChild(make("p", "note quiet small"));
    this.actions = this.element.appendChild(make("div", "actions"));
    this.actions.hidden = true;
    this.button("copy", (button) => copyText(this.text, button));
    this.button("retry", onRetry);
    this.text = "";
    this.drawnPlaces = "[]";
    this.frame = 0;
    say(this.body.appendChild(make("p", "quiet thinking")), "thinking");
    for (const kind of ["mouseover", "focusin"]) this.element.addEventListener(kind, (event) => this.light(event));
    for (const kind of ["mouseout", "focusout"]) this.element.addEventListener(kind, () => this.light(null));
  }

  button(key, onClick) {
    const button = this.actions.appendChild(make("button", `small ${key}`));
    button.type = "button";
    button.addEventListener("click", () => onClick(button));
    say(button, key);
  }

  /** Show all text so far; drawn at most once a frame however fast it comes. */
  grow(text, onDrawn) {
    this.text = text;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw(true);
      onDrawn();
    });
  }

  draw(growing) {
    const {nodes, places} = render(this.text, {growing});
    this.body.replaceChildren(nodes);
    this.body.querySelectorAll(".place").forEach((chip) => chip.classList.add(`c${chip.dataset.place % 8}`));
    const wanted = JSON.stringify(places);
    if (wanted !== this.drawnPlaces && this.pictures.length) this.showPlaces(places);
    this.drawnPlaces = wanted;
  }

  showPlaces(places) {
    this.places = places;
    this.shown ??= this.pictures.length - 1;
    if (!this.pictureFrame) this.showPicture();
    else drawPlaces(this.pictureFrame, places);
    const boxes = places.reduce((sum, {boxes: some}) => sum + some.length, 0);
    say(this.pictureFrame.querySelector("img"), "boxesOn", {n: boxes}, "alt");
    this.figure.hidden = boxes === 0;
  }

  showPicture() {
    const {frame} = framed(this.pictures[this.shown].url, "large");
    this.pictureFrame = frame;
    drawPlaces(frame, this.places);
    this.figure.replaceChildren(frame);
    if (this.pictures.length > 1) this.figure.append(this.chooser());
  }

  chooser() {
    const label = make("label", "choice quiet small");
    say(label.appendChild(make("span")), "showOn");
    const select = label.appendChild(make("select"));
    this.pictures.forEach((_, index) => {
      const option = say(select.appendChild(make("option")), "pictureN", {n: index + 1});
      option.value = index;
    });
    select.value = this.shown;
    select.addEventListener("change", () => {
      this.shown = Number(select.value);
      this.showPicture();
      this.showPlaces(this.places);
      this.figure.querySelector("select").focus();
    });
    return label;
  }

  /** Bring out the boxes of the place under the pointer or the focus. */
  light(event) {
    const place = event?.target.closest?.("[data-place]")?.dataset.place;
    this.figure.classList.toggle("lit", place !== undefined);
    for (const element of this.figure.querySelectorAll("[data-place]")) {
      element.classList.toggle("on", element.dataset.place === place);
    }
  }

  /** The last word: notes is a list of [key, values], a problem among them is shown as one. */
  finish(notes, problem = null) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.draw(false);
    this.element.setAttribute("aria-busy", "false");
    hush(this.note);
    if (problem) say(this.note.appendChild(make("span", "problem")), problem.key, problem.values);
    for (const [key, values] of notes) say(this.note.appendChild(make("span")), key, values);
    this.actions.hidden = false;
    this.actions.querySelector(".copy").hidden = !this.text;
  }
}

/** Hand finished sentences of a growing text to a screen reader, each once. */
export class Spoken {
  constructor(log) {
    this.log = log;
  }

  start() {
    this.log.replaceChildren();
    this.said = 0;
  }

  hear(text, done = false) {
    const rest = text.slice(this.said);
    const cut = done ? rest.length : lastSentenceEnd(rest);
    const words = rest.slice(0, cut).replace(/<\/?ref>|<box>[^<]{0,8000}<\/box>|[*`#]/g, " ").replace(/\s+/g, " ").trim();
    this.said += cut;
    if (words) this.log.appendChild(make("p")).textContent = words;
  }

  tell(key, values = {}) {
    say(this.log.appendChild(make("p")), key, values);
  }
}

/** After the last end of a sentence; a full stop needs a space behind it, or 3.5 would be cut. */
function lastSentenceEnd(text) {
  return 1 + Math.max(-1, ...["\n", "。", "！", "？"].map((end) => text.lastIndexOf(end)), ...[". ", "! ", "? "].map((end) => text.lastIndexOf(end)));
}
