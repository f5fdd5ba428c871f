// A run's figures: asked for again every few seconds while the tab can be seen, and replaced when there is more.
const root = element.querySelector(".imagents");
let seen = {};
async function look(run) {
  const reply = await server.training({ run: run || seen.run, stamp: run ? "" : seen.stamp }).catch(() => null);
  if (!reply) return;
  seen = reply;
  if (reply.html !== null) root.innerHTML = reply.html;
  if (reply.again) setTimeout(look, 1000); // others are being served
}
root.addEventListener("change", (event) => { if ("run" in event.target.dataset) look(event.target.value); });
setInterval(() => { if (!document.hidden && root.offsetParent) look(); }, 4000);
look();
