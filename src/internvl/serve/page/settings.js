// What the page remembers: language, colours and tile limit in this browser, the API key nowhere but in this module's memory.
// Storage can be switched off in a browser; then nothing is remembered and everything else works.

import {LANGUAGES} from "./texts.js";

const PREFIX = "internvl.";
let key = "";

export const settings = {
  language: {get: () => read(localStore, "language") ?? browserLanguage(), set: (value) => write(localStore, "language", value)},
  theme: {get: () => read(localStore, "theme") ?? "system", set: (value) => write(localStore, "theme", value)},
  maxTiles: {get: () => read(localStore, "max-tiles") ?? "auto", set: (value) => write(localStore, "max-tiles", value)},
  key: {get: () => key, set: (value) => (key = value)},
};

export function showTheme(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function browserLanguage() {
  for (const tag of navigator.languages ?? [navigator.language]) {
    const wanted = String(tag).toLowerCase().split("-")[0];
    if (LANGUAGES.includes(wanted)) return wanted;
  }
  return "en";
}

const localStore = () => window.localStorage;

function read(store, name) {
  try {
    return store().getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function write(store, name, value) {
  try {
    store().setItem(PREFIX + name, value);
  } catch {
    // Nothing to do: the setting holds until the page is closed.
  }
}
