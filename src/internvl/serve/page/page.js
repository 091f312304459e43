// The chat: turns of a conversation, asking and stopping, and the page's settings.
//
//   Composer --words, attachments--> turns --messages--> server --pieces--> AnswerView

import {contentOf} from "./attachments.js";
import {Composer} from "./composer.js";
import {ask, countTokens, getInfo, Problem} from "./server.js";
import {settings, showTheme} from "./settings.js";
import {say, setLanguage} from "./texts.js";
import {AnswerView, questionView, Spoken} from "./turns.js";

const TILE_CHOICES = [1, 2, 4, 6, 9, 12, 18, 24, 40];
const NEAR_END_PX = 80;
const byId = (id) => document.getElementById(id);

/** turns: [{words, attachments, answer: text so far, element, view}]; running: the AbortController of the answer under way. */
const state = {info: null, turns: [], running: null};
const spoken = new Spoken(byId("spoken"));
const composer = new Composer({
  onSend: (words, attachments) => {
    if (state.running) return false;
    newTurn(words, attachments);
    return true;
  },
  count: (words, attachments, signal) => countTokens(body([...state.turns, {words, attachments}]), signal),
});

setUpSettings();
byId("new-chat").addEventListener("click", newChat);
byId("stop").addEventListener("click", stop);
byId("key-form").addEventListener("submit", useKey);
document.addEventListener("keydown", (event) => event.key === "Escape" && stop());
learn();

function setUpSettings() {
  setLanguage(settings.language.get());
  showTheme(settings.theme.get());
  connect("language", settings.language, setLanguage);
  connect("theme", settings.theme, showTheme);
  fillTiles({});
  connect("max-tiles", settings.maxTiles, () => composer.changed());
}

function connect(id, setting, use) {
  const select = byId(id);
  select.value = setting.get();
  select.addEventListener("change", () => {
    setting.set(select.value);
    use(select.value);
  });
}

function fillTiles({max_tiles: own, dynamic = true}) {
  const select = byId("max-tiles");
  const wanted = settings.maxTiles.get();
  const choices = TILE_CHOICES.map((n) => say(new Option("", String(n)), n === 1 ? "upToOne" : "upTo", {n}));
  select.replaceChildren(say(new Option("", "auto"), own ? "autoOf" : "auto", {n: own}), ...choices);
  select.value = dynamic && TILE_CHOICES.includes(Number(wanted)) ? wanted : "auto";
  select.disabled = !dynamic;
}

/** What the server serves; without a key it may not tell, which rejects with a Problem. */
async function fetchInfo() {
  state.info = await getInfo();
  const {context, limits = {}} = state.info;
  composer.limits = {context, ...limits};
  byId("model").textContent = state.info.model;
  fillTiles(state.info.tiles ?? {});
  byId("key-form").hidden = true;
  composer.problem(null);
}

/** Fetch it, and say on the page if that fails; whether it worked. */
async function learn() {
  try {
    await fetchInfo();
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    askForKey(error);
    composer.problem(error);
    return false;
  }
}

function askForKey(problem) {
  if (!["problemKey", "problemKeyWrong"].includes(problem.key)) return;
  byId("key-form").hidden = false;
  byId("key").focus();
}

async function useKey(event) {
  event.preventDefault();
  settings.key.set(byId("key").value.trim());
  byId("key").value = "";
  if (await learn()) composer.field.focus();
}

function newTurn(words, attachments) {
  byId("welcome").hidden = true;
  const turn = {words, attachments, answer: "", element: questionView({words, attachments})};
  state.turns.push(turn);
  byId("chat").append(turn.element);
  answer(turn);
}

/** The body of a question. Turns that were never answered are left out, apart from the last: two questions in a row are no chat. */
function body(turns) {
  const messages = turns.flatMap(({words, attachments, answer: said}, index) => {
    if (index === turns.length - 1) return [{role: "user", content: contentOf(words, attachments)}];
    return said ? [{role: "user", content: contentOf(words, attachments)}, {role: "assistant", content: said}] : [];
  });
  const tiles = byId("max-tiles").value;
  return {model: state.info?.model ?? "", messages, ...(tiles !== "auto" && {internvl: {max_tiles: Number(tiles)}})};
}

async function answer(turn) {
  const pictures = state.turns.flatMap(({attachments}) => attachments).filter(({kind}) => kind === "image");
  turn.answer = "";
  turn.view?.element.remove();
  turn.view = new AnswerView(pictures, {onRetry: () => retry(turn)});
  byId("chat").append(turn.view.element);
  turn.view.element.scrollIntoView({block: "end"});
  const running = (state.running = new AbortController());
  composer.busy(true);
  spoken.start();
  const started = performance.now();
  const outcome = await listen(turn, running.signal);
  if (running.signal.reason === "new chat") return;
  state.running = null;
  composer.busy(false);
  finish(turn, outcome, (performance.now() - started) / 1000);
}

/** What came of it: {finish, usage}, {stopped: true} or {problem}. */
async function listen(turn, signal) {
  const onText = (piece) => {
    if (signal.aborted) return;
    turn.answer += piece;
    const following = isAtEnd();
    turn.view.grow(turn.answer, () => following && toEnd());
    spoken.hear(turn.answer);
  };
  try {
    if (!state.info) await fetchInfo();
    return await ask(body(state.turns.slice(0, state.turns.indexOf(turn) + 1)), {signal, onText});
  } catch (error) {
    if (signal.aborted) return {stopped: true};
    if (error instanceof Problem) return {problem: error};
    throw error;
  }
}

function finish(turn, {finish: reason, usage, stopped, problem}, seconds) {
  const notes = [];
  if (stopped) notes.push(["stopped", {}]);
  if (reason === "length") notes.push(["cutByLength", {}]);
  if (usage) notes.push(usageNote(usage, seconds));
  const following = isAtEnd();
  turn.view.finish(notes, problem);
  if (following) toEnd();
  spoken.hear(turn.answer, true);
  if (problem) {
    spoken.tell(problem.key, problem.values);
    askForKey(problem);
  } else {
    spoken.tell(stopped ? "stopped" : "answerDone");
  }
}

function usageNote(usage, seconds) {
  const {image_tokens: image = 0, cached_tokens: cached = 0} = usage.prompt_tokens_details ?? {};
  const values = {prompt: usage.prompt_tokens, answer: usage.completion_tokens, image, cached, seconds: Number(seconds.toFixed(1))};
  return [cached ? "usageCached" : "usage", values];
}

function retry(turn) {
  if (state.running || turn !== state.turns.at(-1)) return;
  answer(turn);
  composer.field.focus();
}

function stop() {
  if (!state.running) return;
  state.running.abort();
  composer.field.focus();
}

function newChat() {
  state.running?.abort("new chat");
  state.running = null;
  for (const {url} of state.turns.flatMap(({attachments}) => attachments)) URL.revokeObjectURL(url);
  state.turns = [];
  byId("chat").replaceChildren();
  byId("spoken").replaceChildren();
  byId("welcome").hidden = false;
  composer.busy(false);
  composer.problem(null);
  composer.changed();
  composer.field.focus();
}

function isAtEnd() {
  const page = document.scrollingElement;
  return page.scrollHeight - page.scrollTop - page.clientHeight < NEAR_END_PX;
}

function toEnd() {
  document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
}
