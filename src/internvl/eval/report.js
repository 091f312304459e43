"use strict";
// Pictures get their data when their card comes near the window; the same data serve every card that shows the picture.
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const source = (image) => pictures[Number(image.dataset.picture)];
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    for (const image of target.querySelectorAll("img[data-picture]")) image.src = source(image);
    near.unobserve(target);
  }
}, { rootMargin: "800px" });
const cards = [...document.querySelectorAll(".card")];
for (const card of cards) near.observe(card);

const which = document.getElementById("which"), words = document.getElementById("words"), count = document.getElementById("count");
function filter() {
  const wanted = words.value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    const kind = which.value === "all" || card.dataset[which.value] === "1";
    card.hidden = !(kind && (!wanted || card.textContent.toLowerCase().includes(wanted)));
    shown += card.hidden ? 0 : 1;
  }
  count.textContent = `${shown} of ${cards.length}`;
}
which.addEventListener("change", filter);
words.addEventListener("input", filter);
filter();

function step(by) {
  const open = cards.filter((card) => !card.hidden);
  const here = open.indexOf(document.activeElement.closest(".card"));
  const next = open[here < 0 ? (by > 0 ? 0 : open.length - 1) : here + by];
  if (next) { next.focus({ preventScroll: true }); next.scrollIntoView({ block: "start" }); }
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") { event.preventDefault(); words.focus(); }
});

const large = document.getElementById("large");
document.addEventListener("click", (event) => {
  const button = event.target.closest(".zoom");
  if (button) {
    const small = button.querySelector("img"), image = document.createElement("img");
    image.src = source(small);
    image.alt = small.alt;
    large.replaceChildren(image);
    large.showModal();
  } else if (event.target.closest("dialog")) large.close();
});
