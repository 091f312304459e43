// What the page says, in English and Chinese, and the means to say it again when the language changes.
//
//   say(element, "cost", {tokens: 256}) -> textContent now, and once more after setLanguage("zh")

const TEXTS = {
  en: {
    skip: "Skip to the question", newChat: "New chat", language: "Language", theme: "Colours",
    themeSystem: "◐ Auto", themeLight: "○ Light", themeDark: "● Dark",
    welcome: "What would you like to know?",
    welcomeHow: "Drop, paste or choose pictures or a video, then ask. You see what it costs before you send.",
    conversation: "Conversation", attached: "Attached", question: "Your question", ask: "Ask a question",
    attach: "Picture or video", maxTiles: "Max tiles", maxTilesNote: "More tiles show finer detail and cost more tokens.",
    auto: "Tiles: auto", autoOf: "Auto: {n} tiles", upToOne: "1 tile", upTo: "Up to {n} tiles", send: "Send", stop: "Stop", hint: "Enter sends · Shift+Enter starts a line · Esc stops",
    dropHere: "Drop pictures or a video here",
    keyLabel: "API key of this server", keySave: "Use", keyNote: "Kept in memory only: after a reload it is asked for again.",
    you: "You", model: "Model", remove: "Remove {name}", picture: "Picture: {name}", video: "Video: {name}",
    thinking: "Reading…", copy: "Copy", copied: "Copied", retry: "Retry", copyFailed: "The browser refused to copy. Select the text and copy it by hand.",
    copyCode: "Copy code",
    stopped: "Stopped.", cutByLength: "The answer reached its length limit.", answerStarts: "Answer:", answerDone: "End of the answer.",
    tilesOne: "1 tile · {tokens} tokens", tiles: "{grid} tiles · {tokens} tokens",
    tilesThumbnail: "{grid} tiles + overview · {tokens} tokens", videoCost: "{frames} frames · {tokens} tokens",
    costText: "{tokens} tokens", cost: "{tokens} tokens, {image} of them visual",
    tooLong: "{tokens} tokens: more than the {limit} this model can take. Fewer tiles or a new chat help.",
    counting: "Counting…", opening: "Opening…",
    usage: "{prompt} tokens read ({image} visual), {answer} written, {seconds} s",
    usageCached: "{prompt} tokens read ({image} visual, {cached} remembered), {answer} written, {seconds} s",
    boxesOn: "Picture with marked places: {n}", boxName: "Place {n}", showOn: "Show the places on",
    pictureN: "picture {n}",
    problemNetwork: "The server can't be reached. Is it still running?",
    problemCut: "The connection ended before the answer was complete.",
    problemKey: "This server asks for an API key.", problemKeyWrong: "The server refused this API key.",
    problemAsk: "The server could not take this question: {detail}", problemMissing: "The server does not know what was asked of it: {detail}",
    problemSize: "What you show is too large for this server: {detail}", problemMedia: "A picture or video could not be used: {detail}",
    problemBusy: "Too many questions are waiting. Try again in a moment.", problemBusyFor: "Too many questions are waiting. Try again in {n} s.",
    problemLoading: "The server is busy or still starting. Try again in a moment.", problemTime: "The server took too long to answer. Try again, perhaps with fewer tiles.",
    problemServer: "Something went wrong in the server: {detail}", noDetail: "it gave no reason",
    problemKind: "“{name}” is neither a picture nor a video that can be shown here.",
    problemUnreadable: "“{name}” could not be opened. It may be damaged, or of a kind this browser does not know.",
    problemTooBig: "“{name}” is too large: {size} MB, and this server takes {limit} MB.",
    problemTooMany: "This server takes {limit} pictures at a time.",
  },
  zh: {
    skip: "跳到提问框", newChat: "新对话", language: "语言", theme: "配色",
    themeSystem: "◐ 自动", themeLight: "○ 浅色", themeDark: "● 深色",
    welcome: "想了解什么？",
    welcomeHow: "拖入、粘贴或选择图片或视频，然后提问。发送前即可看到消耗。",
    conversation: "对话", attached: "已添加", question: "您的问题", ask: "请输入问题",
    attach: "图片或视频", maxTiles: "最多图块", maxTilesNote: "图块越多，细节越清楚，消耗的词元也越多。",
    auto: "图块：自动", autoOf: "自动：{n} 个图块", upToOne: "1 个图块", upTo: "最多 {n} 个图块", send: "发送", stop: "停止", hint: "Enter 发送 · Shift+Enter 换行 · Esc 停止",
    dropHere: "将图片或视频拖到这里",
    keyLabel: "本服务器的 API 密钥", keySave: "使用", keyNote: "密钥只保存在内存中，刷新后需要重新输入。",
    you: "您", model: "模型", remove: "移除 {name}", picture: "图片：{name}", video: "视频：{name}",
    thinking: "正在阅读…", copy: "复制", copied: "已复制", retry: "重试", copyFailed: "浏览器拒绝复制，请手动选中文字后复制。",
    copyCode: "复制代码",
    stopped: "已停止。", cutByLength: "回答已达到长度上限。", answerStarts: "回答：", answerDone: "回答结束。",
    tilesOne: "1 个图块 · {tokens} 个词元", tiles: "{grid} 个图块 · {tokens} 个词元",
    tilesThumbnail: "{grid} 个图块 + 缩略图 · {tokens} 个词元", videoCost: "{frames} 帧 · {tokens} 个词元",
    costText: "{tokens} 个词元", cost: "{tokens} 个词元，其中视觉 {image} 个",
    tooLong: "{tokens} 个词元，超出模型上限 {limit}。请减少图块或开始新对话。",
    counting: "正在计算…", opening: "正在打开…",
    usage: "读入 {prompt} 个词元（视觉 {image} 个），写出 {answer} 个，{seconds} 秒",
    usageCached: "读入 {prompt} 个词元（视觉 {image} 个，复用 {cached} 个），写出 {answer} 个，{seconds} 秒",
    boxesOn: "标出 {n} 处的图片", boxName: "位置 {n}", showOn: "标注在",
    pictureN: "图片 {n}",
    problemNetwork: "无法连接服务器。它还在运行吗？",
    problemCut: "回答尚未完成，连接就中断了。",
    problemKey: "本服务器需要 API 密钥。", problemKeyWrong: "服务器拒绝了此 API 密钥。",
    problemAsk: "服务器无法接受这个问题：{detail}", problemMissing: "服务器找不到所请求的内容：{detail}",
    problemSize: "内容太大，服务器无法接收：{detail}", problemMedia: "图片或视频无法使用：{detail}",
    problemBusy: "排队的问题太多，请稍后再试。", problemBusyFor: "排队的问题太多，请在 {n} 秒后再试。",
    problemLoading: "服务器正忙或仍在启动，请稍后再试。", problemTime: "服务器响应超时。请重试，或减少图块。",
    problemServer: "服务器出错：{detail}", noDetail: "没有说明原因",
    problemKind: "“{name}”不是这里可以显示的图片或视频。",
    problemUnreadable: "无法打开“{name}”。文件可能已损坏，或浏览器不支持这种格式。",
    problemTooBig: "“{name}”太大：{size} MB，服务器最多接收 {limit} MB。",
    problemTooMany: "服务器一次最多接收 {limit} 张图片。",
  },
};

const ATTRIBUTES = {text: null, label: "aria-label", placeholder: "placeholder", alt: "alt"};
const valuesOf = new WeakMap();
let language = "en";

export const LANGUAGES = Object.keys(TEXTS);

/** The text of `key` in the chosen language; numbers are grouped, `{name}` places are filled. */
export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(language) : String(value);
  });
}

/** Put a text into an element (kind "text") or one of its attributes ("label", "placeholder", "alt"), now and at every switch. */
export function say(element, key, values = {}, kind = "text") {
  element.dataset[kind] = key;
  valuesOf.set(element, {...valuesOf.get(element), [kind]: values});
  write(element, kind);
  return element;
}

/** Take back what `say` put into an element. */
export function hush(element) {
  delete element.dataset.text;
  element.textContent = "";
}

export function setLanguage(wanted) {
  language = LANGUAGES.includes(wanted) ? wanted : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const kind of Object.keys(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(`[data-${kind}]`)) write(element, kind);
  }
}

function write(element, kind) {
  const shown = text(element.dataset[kind], valuesOf.get(element)?.[kind]);
  if (ATTRIBUTES[kind] === null) element.textContent = shown;
  else element.setAttribute(ATTRIBUTES[kind], shown);
}
