"use strict";
// What the pages do beyond forms and links. Without this script everything still works; pages just stand still.

// A region with data-live is fetched again every two seconds. Only the parts that changed are put in, so that focus,
// an opened disclosure and a half-filled form elsewhere stay as they are.
function live(region) {
  const seen = new Map();
  for (const part of region.querySelectorAll("[data-part]")) seen.set(part.dataset.part, null);
  let wait = 2000;

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(region.dataset.live, { headers: { "X-Fragment": "1" }, cache: "no-store" });
        if (answer.status === 401 || answer.status === 404) return location.reload();
        if (answer.ok) {
          put(new DOMParser().parseFromString(await answer.text(), "text/html").body);
          wait = 2000;
        } else wait = Math.min(wait * 2, 30000);
      } catch {
        wait = Math.min(wait * 2, 30000);
      }
    }
    setTimeout(look, wait);
  }

  function put(fresh) {
    const order = (root) => [...root.querySelectorAll("[data-part]")].map((part) => part.dataset.part).join(" ");
    if (order(fresh) !== order(region)) region.replaceChildren(...fresh.childNodes);
    else
      for (const part of region.querySelectorAll("[data-part]")) {
        const next = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
        if (seen.get(part.dataset.part) === next.outerHTML || busy(part)) continue;
        seen.set(part.dataset.part, next.outerHTML);
        for (const open of part.querySelectorAll("details[open][id]"))
          next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
        part.replaceWith(next);
      }
  }

  // A part that somebody is using waits for its news.
  const busy = (part) => part.querySelector("[data-sent], :focus-visible") !== null;

  setTimeout(look, wait);
}

// A search form answers while one types; the address follows, so that the page can be reloaded and shared.
function search(form) {
  const results = form.parentElement.querySelector("[data-results]");
  let number = 0;
  let timer;
  async function run() {
    const asked = ++number;
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    const answer = await fetch(address);
    if (!answer.ok || asked !== number) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    results.replaceChildren(...page.querySelector("[data-results]").childNodes);
    history.replaceState(null, "", address);
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => run().catch(() => {}), 250);
  });
}

// A button that was pressed says so, and cannot be pressed twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.target.method !== "post") return;
  event.target.dataset.sent = "";
  if (button.dataset.busy) button.textContent = button.dataset.busy;
  setTimeout(() => (button.disabled = true));
});
// Coming back with the browser's own button brings the page back as it was left: pressed. Begin afresh.
addEventListener("pageshow", (event) => event.persisted && location.reload());

document.querySelectorAll("[data-live]").forEach(live);
document.querySelectorAll("[data-search]").forEach(search);
