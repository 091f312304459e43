// Text into the clipboard, also over plain http, where browsers hide `navigator.clipboard`.

import {say} from "./texts.js";

/** Copy, and say on the button for a moment whether it worked. */
export async function copyText(words, button) {
  const key = button.dataset.text;
  const done = (await modern(words)) || old(words);
  say(button, done ? "copied" : "copyFailed");
  setTimeout(() => say(button, key), 1600);
}

async function modern(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false;
  }
}

function old(words) {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = words;
  area.className = "sr";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
