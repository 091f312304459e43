// The form at the bottom: words, attachments with their tiles, and what the question will cost before it is asked.

import {costOf, gridOf, openAttachment} from "./attachments.js";
import {drawTiles} from "./boxes.js";
import {make} from "./render.js";
import {Problem} from "./server.js";
import {mediaElement} from "./turns.js";
import {hush, say} from "./texts.js";

const COUNT_DELAY_MS = 350;
const byId = (id) => document.getElementById(id);

export class Composer {
  /** onSend(words, attachments); count(words, attachments, signal) -> the server's reply. */
  constructor({onSend, count}) {
    this.onSend = onSend;
    this.count = count;
    this.limits = {};
    this.attachments = [];
    this.opening = Promise.resolve();  // settles when all files brought so far are open, or refused
    this.refused = 0;
    this.countFailed = false;
    this.field = byId("question");
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("paste", (event) => this.paste(event));
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    byId("attach").addEventListener("click", () => byId("files").click());
    byId("files").addEventListener("change", async (event) => {
      await this.add([...event.target.files]);
      event.target.value = "";
      this.field.focus();
    });
    this.acceptDrops();
  }

  /** Enter sends, but not while an input method (Chinese, Japanese ...) is putting a word together. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.send();
  }

  paste(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  acceptDrops() {
    const curtain = byId("drop");
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const show = (change) => {
      depth = Math.max(0, depth + change);
      curtain.hidden = depth === 0;
    };
    document.addEventListener("dragenter", (event) => carriesFiles(event) && show(1));
    // Out of the window there is nothing that is entered instead.
    document.addEventListener("dragleave", (event) => show(event.relatedTarget === null ? -depth : -1));
    document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(-depth);
      this.add([...event.dataTransfer.files]);
    });
  }

  /** Files are opened one after the other; whoever sends meanwhile waits for them. */
  add(files) {
    say(byId("cost"), "opening");
    this.opening = this.opening.then(() => this.open(files));
    return this.opening;
  }

  async open(files) {
    this.problem(null);
    for (const file of files) {
      try {
        const room = this.limits.images ?? Infinity;
        if (this.attachments.length >= room) throw new Problem("problemTooMany", {limit: room});
        const one = await openAttachment(file, this.limits);
        this.attachments.push(one);
        byId("attachments").append(this.card(one));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.refused += 1;
        this.problem(error);
      }
    }
    this.changed();
  }

  card(one) {
    one.element = make("li", "card");
    const holder = one.element.appendChild(make("div", "holder"));
    one.preview = holder.appendChild(mediaElement(one, "preview"));
    const remove = holder.appendChild(make("button", "remove"));
    one.cost = one.element.appendChild(make("span", "quiet small"));
    remove.type = "button";
    remove.appendChild(make("span")).textContent = "×";
    say(remove, "remove", {name: one.name}, "label");
    remove.addEventListener("click", () => this.remove(one));
    return one.element;
  }

  remove(one) {
    this.attachments = this.attachments.filter((other) => other !== one);
    one.element.remove();
    URL.revokeObjectURL(one.url);
    this.field.focus();
    this.changed();
  }

  /** Something that costs tokens changed: fit the field, and count again once typing pauses. */
  changed() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
    this.counting?.abort();
    clearTimeout(this.timer);
    const cost = byId("cost");
    cost.classList.remove("problem");
    if (this.isEmpty()) return hush(cost);
    if (!cost.dataset.text) say(cost, "counting");
    this.timer = setTimeout(() => this.recount(), COUNT_DELAY_MS);
  }

  async recount() {
    const signal = (this.counting = new AbortController()).signal;
    try {
      const reply = await this.count(this.words(), this.attachments, signal);
      if (signal.aborted) return;
      this.showCost(reply);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      hush(byId("cost"));
      this.problem(error);
      this.countFailed = true;
    }
  }

  showCost({count: tokens, image_tokens: image = 0, media = []}) {
    // Other problems, such as a file that could not be opened, stay until something new is tried.
    if (this.countFailed) this.problem(null);
    this.countFailed = false;
    this.showTiles(media);
    const limit = this.limits.context;
    const cost = byId("cost");
    const tooLong = limit !== undefined && tokens > limit;
    cost.classList.toggle("problem", tooLong);
    say(cost, tooLong ? "tooLong" : image ? "cost" : "costText", {tokens, image, limit});
  }

  /** The last entries of the reply are those of this question; earlier ones belong to the conversation. */
  showTiles(media) {
    let end = media.length;
    for (const one of [...this.attachments].reverse()) {
      const mine = media.slice(Math.max(0, end - one.stills), end);
      end -= one.stills;
      if (mine.length < one.stills) return;  // a server that counts otherwise: the sum is still right
      if (one.kind === "image") drawTiles(one.preview, gridOf(mine[0]));
      say(one.cost, ...costOf(one.kind, mine));
    }
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    const refused = this.refused;
    await this.opening;
    this.sending = false;
    this.field.focus();
    // What could not be opened was meant to be part of the question: its author decides anew.
    if (this.refused !== refused) return;
    if (!this.isEmpty() && this.onSend(this.words(), this.attachments)) {
      this.field.value = "";
      this.attachments = [];
      byId("attachments").replaceChildren();
      this.changed();
      this.problem(null);
    }
  }

  words() {
    return this.field.value.trim();
  }

  isEmpty() {
    return !this.words() && !this.attachments.length;
  }

  problem(problem) {
    const line = byId("problem");
    line.hidden = !problem;
    if (problem) say(line, problem.key, problem.values);
    else hush(line);
  }

  busy(yes) {
    byId("stop").hidden = !yes;
    byId("send").hidden = yes;
  }
}
