// Pictures and videos the user adds: checked, shown, and turned into parts of a message.
//
//   File --openAttachment--> {kind, name, url (blob: for showing), data (data: for sending), stills (pictures the model sees)}

import {Problem} from "./server.js";

const FRAMES = 8;  // stills of a clip, as in the family's own examples

/** Check and read one file. limits: {media_bytes, frames}, where known. Rejects with a Problem in plain words. */
export async function openAttachment(file, limits = {}) {
  const kind = /^image\//.test(file.type) ? "image" : /^video\//.test(file.type) ? "video" : null;
  const name = file.name || "…";
  if (!kind || file.type === "image/svg+xml") throw new Problem("problemKind", {name});
  if (limits.media_bytes && file.size > limits.media_bytes) {
    throw new Problem("problemTooBig", {name, size: Math.ceil(file.size / 1e6), limit: Math.floor(limits.media_bytes / 1e6)});
  }
  const url = URL.createObjectURL(file);
  try {
    if (kind === "image") await decoded(url);
    return {kind, name, url, data: await dataUrl(file), stills: kind === "image" ? 1 : Math.min(FRAMES, limits.frames ?? FRAMES)};
  } catch {
    URL.revokeObjectURL(url);
    throw new Problem("problemUnreadable", {name});
  }
}

async function decoded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** The content of a user message: media first, as the family's prompts have them, then the words. */
export function contentOf(words, attachments) {
  if (!attachments.length) return words;
  const media = attachments.map(({kind, data, stills}) => (
    kind === "image" ? {type: "image_url", image_url: {url: data}} : {type: "video_url", video_url: {url: data, frames: stills}}
  ));
  return words ? [...media, {type: "text", text: words}] : media;
}

/** {columns, rows} of an entry of the server's count. */
export function gridOf({grid}) {
  const [columns, rows] = String(grid).split("x").map(Number);
  return columns * rows <= 10000 ? {columns, rows} : {columns: 1, rows: 1};
}

/** How many tokens one attachment takes, as a text's key and values; `counts` are its entries in the server's count. */
export function costOf(kind, counts) {
  const tokens = counts.reduce((sum, count) => sum + count.tokens, 0);
  if (kind === "video") return ["videoCost", {frames: counts.length, tokens}];
  const {columns, rows} = gridOf(counts[0]);
  if (counts[0].tiles <= 1) return ["tilesOne", {tokens}];
  return [counts[0].tiles > columns * rows ? "tilesThumbnail" : "tiles", {grid: `${columns} × ${rows}`, tokens}];
}
