// A visitor's page: every click is a request with the whole state, and the reply is the next state and its HTML.
const root = element.querySelector(".imagents");
const KEY = "imagents.visit";
const remember = (state) => { try { sessionStorage.setItem(KEY, JSON.stringify(state)); } catch { /* not allowed */ } };
const remembered = () => { try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; } };
let state = remembered(), busy = false, queue = [], timer = null, latest = 0, typed = "", typing = null;

function focusKey(node) {
  if (!node || !root.contains(node)) return null;
  const data = node.dataset;
  if (data.move !== undefined) return `[data-move="${data.move}"]`;
  if (data.set) return `${node.tagName}[data-set="${data.set}"]` + (node.tagName === "BUTTON" && data.set !== "runs" ? `[data-value="${data.value}"]` : "");
  return data.do ? `[data-do="${data.do}"]:not(.ply)` : null;
}

function show(reply) {
  const key = focusKey(document.activeElement), atBoard = key && key.startsWith("[data-move");
  const moved = JSON.stringify(reply.state.moves) !== JSON.stringify(state && state.moves);
  const before = root.querySelector(".verdict"), board = 'input[data-set="game"]', entry = root.querySelector(board);
  const kept = before && state && state.game === reply.state.game && reply.state.moves.length ? before.innerHTML : "";
  state = reply.state;
  remember(state);
  root.innerHTML = reply.html;
  root.firstElementChild.classList.toggle("moved", moved);
  if (reply.judge) root.querySelector(".verdict").innerHTML = kept || "…";
  if (entry && root.querySelector(".said")) root.querySelector(board).value = entry.value; // to be put right
  const next = key && (root.querySelector(`${key}:not(:disabled)`) || (atBoard && root.querySelector("[data-move], .anew")));
  if (next) next.focus({ preventScroll: true });
  const plies = root.querySelector(".plies");
  if (plies) {
    const current = plies.querySelector('[aria-current="true"]') || plies.lastElementChild;
    plies.scrollTop = current.offsetTop - plies.offsetTop - plies.clientHeight / 2;
  }
}

// The visitor's own stone, drawn before the answer comes; and if that takes a moment, who is thinking.
function put(move) {
  const place = root.querySelector(`[data-move="${move}"]`), waits = root.querySelector(".waits");
  if (!place) return;
  place.closest("svg").insertAdjacentHTML("beforeend", `<use class="put" href="#stone" transform="translate(${place.dataset.at})"/>`);
  setTimeout(() => { if (waits && busy && waits.isConnected) waits.parentElement.innerHTML = waits.innerHTML; }, 150);
}

async function ask(what, value) {
  const moves = JSON.stringify(state && state.moves);
  if (busy) { queue.push([what, value, moves]); return; }
  busy = true;
  clearTimeout(timer);
  const number = ++latest;
  if (what === "move") put(value);
  try {
    const reply = await server.reply({ state: state, do: what, value: value });
    show(reply);
    if (reply.judge) judge(number);
    if (reply.next) timer = setTimeout(() => ask(reply.next), 1000 * reply.seconds);
  } catch (error) {
    const status = root.querySelector(".status");
    root.querySelectorAll(".put").forEach((stone) => stone.remove());
    if (status) status.textContent = "The server does not answer: try again in a moment.";
  } finally {
    busy = false;
    goOn();
  }
}

// What was asked meanwhile: the first that still has a meaning; a move has none once somebody moved.
function goOn() {
  while (queue.length && !busy) {
    const [what, value, moves] = queue.shift();
    if (what === "set" || moves === JSON.stringify(state.moves)) ask(what, value);
  }
}

async function judge(number) {
  const verdict = await server.judge({ state: state }).catch(() => ({ again: true }));
  if (number !== latest) return; // something else is shown by now
  if (verdict.again) { setTimeout(() => number === latest && judge(number), 1000); return; }
  root.querySelector(".verdict").innerHTML = verdict.html;
  for (const ply of verdict.marks) {
    const button = root.querySelector(`[data-ply="${ply}"]`);
    if (button && !button.querySelector("b")) button.insertAdjacentHTML("beforeend", "<b>?</b>");
  }
  const legend = root.querySelector(".legend");
  if (legend) legend.hidden = !verdict.marks.length;
}

root.addEventListener("click", (event) => {
  const target = event.target.closest("[data-move], [data-do], button[data-set]");
  if (!target || target.disabled) return;
  const data = target.dataset;
  if (data.move !== undefined) ask("move", Number(data.move));
  else if (data.do) ask(data.do, data.value ? Number(data.value) : null);
  else ask("set", [data.set, data.kind === "bool" ? data.value === "true" : data.value]);
});
root.addEventListener("change", (event) => {
  const target = event.target;
  if (target.dataset.set) ask("set", [target.dataset.set, target.type === "checkbox" ? target.checked : target.value]);
});
root.addEventListener("keydown", (event) => {
  const place = event.target.closest("[data-move]");
  if (!place) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    ask("move", Number(place.dataset.move));
    return;
  }
  const way = { ArrowRight: [1, 0], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowUp: [0, -1] }[event.key];
  if (!way) return;
  event.preventDefault();
  const next = nearest(place, way);
  if (next) next.focus();
});

// The place that an arrow points to: the nearest one in its direction, those straight ahead before others.
function nearest(from, [x, y]) {
  const middle = (node) => { const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const [left, top] = middle(from);
  let best = null, least = Infinity;
  for (const node of root.querySelectorAll("[data-move]")) {
    const [dx, dy] = middle(node).map((value, axis) => value - [left, top][axis]);
    const ahead = dx * x + dy * y, aside = Math.abs(dx * y) + Math.abs(dy * x);
    if (ahead > 1 && ahead + 3 * aside < least) [best, least] = [node, ahead + 3 * aside];
  }
  return best;
}

// Digits play the move of that number, at once if no longer number begins with them.
document.addEventListener("keydown", (event) => {
  if (!root.isConnected || !root.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea") || !/^[0-9]$/.test(event.key)) return;
  clearTimeout(typing);
  typed += event.key;
  const play = () => {
    const place = root.querySelector(`[data-move="${Number(typed)}"]`);
    typed = "";
    if (place) ask("move", Number(place.dataset.move));
  };
  const longer = [...root.querySelectorAll("[data-move]")].some((node) =>
    node.dataset.move.length > typed.length && node.dataset.move.startsWith(typed));
  if (longer) typing = setTimeout(play, 700);
  else play();
});
ask("show");
