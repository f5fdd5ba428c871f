// A run's figures: asked for again every few seconds while the tab can be seen, and replaced when there is more.
const root = element.querySelector(".imagents");
let seen = {}, filming = false, asked = 0;
async function look(run) {
  const chosen = run ? ++asked : asked;
  if (run) root.classList.add("loads"); // what is shown is of another one
  const reply = await server.training({ run: run || seen.run, stamp: run ? "" : seen.stamp }).catch(() => null);
  if (run && chosen === asked) root.classList.remove("loads");
  if (!reply || chosen !== asked) return; // somebody chose another run meanwhile
  const film = reply.run === seen.run && root.querySelector(".film"), isOpen = root.querySelector("details[open]");
  seen = reply;
  if (reply.html !== null) {
    root.innerHTML = reply.html;
    const place = root.querySelector(".film"), details = root.querySelector("details");
    if (film && place) place.replaceWith(film);
    if (details && isOpen) details.open = true;
  }
  if (reply.again) setTimeout(look, 1000); // others are being served
}
async function watch() {
  if (filming) return;
  filming = true;
  const run = seen.run, said = (text) => { const film = root.querySelector(".film"); if (film) film.textContent = text; };
  said("One moment: an episode is being filmed…");
  const reply = await server.watch({ run: run }).catch(() => null);
  filming = false;
  if (run !== seen.run) return;
  if (!reply) said("The server does not answer: try again in a moment.");
  else root.querySelector(".film").innerHTML = reply.html;
}
root.addEventListener("change", (event) => { if ("run" in event.target.dataset) look(event.target.value); });
root.addEventListener("click", (event) => { if (event.target.closest("[data-watch]")) watch(); });
setInterval(() => { if (!document.hidden && root.offsetParent) look(); }, 4000);
look();
