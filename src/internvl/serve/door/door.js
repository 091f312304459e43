
// Asks for the key, then gets the page's files with it and opens the page in this document. A browser can show no key for files that it
// loads by itself, so each becomes a blob: the key is in no address, cookie or store, and goes with this document.

const TEXTS = {
  en: {label: "API key of this server", open: "Open", note: "Kept in memory only: after a reload it is asked for again.",
       wrong: "The server refused this API key.", away: "The server can't be reached. Is it still running?"},
  zh: {label: "本服务器的 API 密钥", open: "打开", note: "密钥只保存在内存中，刷新后需要重新输入。",
       wrong: "服务器拒绝了此 API 密钥。", away: "无法连接服务器，它还在运行吗？"},
};
const language = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in TEXTS) ?? "en";
const texts = TEXTS[language];
const field = document.querySelector("#key");
document.documentElement.lang = language;
document.querySelector("label").textContent = texts.label;
document.querySelector("button").textContent = texts.open;
document.querySelector("#note").textContent = texts.note;
document.querySelector("#door").addEventListener("submit", enter);

async function enter(event) {
  event.preventDefault();
  const key = field.value.trim();
  try {
    await openPage(filesWith(key), key);
  } catch (problem) {
    document.querySelector("#problem").textContent = problem instanceof Refused ? texts.wrong : texts.away;
    field.select();
    if (!(problem instanceof Refused || problem instanceof TypeError)) throw problem;
  }
}

class Refused extends Error {}

function filesWith(key) {
  return async (path) => {
    const headers = new Headers({Accept: "*/*"});
    try {
      headers.set("Authorization", `Bearer ${key}`);
    } catch {
      throw new Refused();  // characters that no header, and so no key, can have
    }
    const response = await fetch(path, {headers});
    if (response.status === 401) throw new Refused();
    if (!response.ok) throw new TypeError(`${path}: ${response.status}`);
    return response;
  };
}

async function openPage(get, key) {
  const html = await (await get("./")).text();
  const css = new CSSStyleSheet();
  await css.replace(await (await get("page/page.css")).text());
  const icon = URL.createObjectURL(await (await get("page/icon.svg")).blob());
  const modules = new Map();
  const settings = await moduleURL("settings.js", get, modules);
  const page = await moduleURL("page.js", get, modules);
  const parsed = documentOf(html);
  for (const each of parsed.querySelectorAll("script, link[rel=stylesheet]")) each.remove();
  for (const each of parsed.querySelectorAll("img")) each.src = icon;
  for (const each of parsed.querySelectorAll("link[rel=icon]")) each.href = icon;
  document.adoptedStyleSheets = [css];
  document.replaceChild(document.adoptNode(parsed.documentElement), document.documentElement);
  (await import(settings)).settings.key.set(key);
  await import(page);
}

/** A blob of a module whose imports are blobs too. The page's modules import nothing in a circle. */
function moduleURL(name, get, modules) {
  if (!modules.has(name)) modules.set(name, loaded(name, get, modules));
  return modules.get(name);
}

async function loaded(name, get, modules) {
  let source = await (await get(`page/${name}`)).text();
  for (const [wanted, other] of source.matchAll(/from "\.\/([\w-]+\.js)"/g)) {
    source = source.replaceAll(wanted, `from "${await moduleURL(other, get, modules)}"`);
  }
  return URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
}

function documentOf(html) {
  const policy = window.trustedTypes?.createPolicy("door", {createHTML: (text) => text});
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}
