// All requests of the page, each to the server it came from.
//
//   GET  page/info            -> {model, context (tokens), tiles: a tile policy, limits: {images, frames, media_bytes}}
//   POST page/count           <- {model, messages, internvl: {max_tiles}}, as for a question
//                             -> {count, image_tokens, media: [{grid: "3x2", tiles, tokens}]}, an entry for each picture and each
//                                still of the whole conversation, in its order; tiles include the overview
//   POST v1/chat/completions  <- the same, and {stream, stream_options} -> server-sent events
//
// A failure is a `Problem`: a text's key and values, so that it can be said in both languages.

import {settings} from "./settings.js";

// Within a stream an error has no status any more, only OpenAI's code.
const STATUS_OF_CODE = {timeout: 504, unavailable: 503, queue_full: 429, unsupported_media: 422};

export class Problem extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

export async function getInfo() {
  return (await request("page/info", {method: "GET"})).json();
}

export async function countTokens(body, signal) {
  return (await request("page/count", post(body, signal))).json();
}

/**
 * Ask, and hand on the answer as it comes: onText(piece) for each new piece.
 * Resolves to {finish, usage}; rejects with a Problem, or with an AbortError after `signal` was raised.
 */
export async function ask(body, {signal, onText}) {
  const response = await request("v1/chat/completions", post({...body, stream: true, stream_options: {include_usage: true}}, signal));
  let finish = null;
  let usage = null;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return {finish, usage};
    const chunk = parse(data);
    if (chunk.error) throw problemOf(STATUS_OF_CODE[chunk.error.code] ?? 500, chunk.error.message);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) onText(choice.delta.content);
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  if (finish === null) throw new Problem("problemCut");
  return {finish, usage};
}

/** The data of each event in a stream of bytes; lines may end in \n, \r\n or \r, and may be cut anywhere, within a character too. */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data = [];
  try {
    while (true) {
      const {done, value} = await read(reader);
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
        if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function read(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("problemCut");
  }
}

function post(body, signal) {
  return {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body), signal};
}

async function request(path, options) {
  const key = settings.key.get();
  const headers = {...options.headers, ...(key && {Authorization: `Bearer ${key}`})};
  let response;
  try {
    response = await fetch(path, {...options, headers, credentials: "same-origin"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("problemNetwork");
  }
  if (response.ok) return response;
  const sent = parse(await response.text().catch(() => ""));
  throw problemOf(response.status, sent.error?.message ?? sent.detail, response.headers.get("Retry-After"));
}

function problemOf(status, message, retryAfter = null) {
  const detail = typeof message === "string" && message ? message : "…";
  const seconds = Number(retryAfter);
  if (status === 401 || status === 403) return new Problem(settings.key.get() ? "problemKeyWrong" : "problemKey");
  if (status === 404) return new Problem("problemMissing", {detail});
  if (status === 408 || status === 504) return new Problem("problemTime");
  if (status === 413) return new Problem("problemSize", {detail});
  if (status === 415 || status === 422) return new Problem("problemMedia", {detail});
  if (status === 429) return seconds > 0 ? new Problem("problemBusyFor", {n: seconds}) : new Problem("problemBusy");
  if (status === 503) return new Problem("problemLoading");
  return new Problem(status < 500 ? "problemAsk" : "problemServer", {detail});
}

function parse(data) {
  try {
    return JSON.parse(data) ?? {};
  } catch {
    return {};
  }
}
