// Play: the curves grow as fast as the runs were trained, and the cursor goes ahead of them.
const time = element("time");
const playButton = element("play");
const speed = element("speed");

// The next frame while it plays, and the time of the last one in milliseconds.
let frame = null;
let lastFrame = null;

const isPlaying = () => frame !== null;
const isTime = () => element("cost").value.endsWith("_seconds");

/** Offer the speeds at which the race takes 2 to 100 seconds, besides its own. */
function offerSpeeds() {
  const seconds = isTime() ? extent()[1] : 0;
  const powers = [-3, -2, -1, 0, 1, 2, 3].map((power) => 10 ** power);
  const offered = powers.filter((each) => each === 1 || (seconds / each >= 2 && seconds / each <= 100));
  const before = speed.value;
  speed.replaceChildren(...offered.map((each) => new Option(`× ${each}`, each)));
  speed.value = offered.includes(Number(before)) ? before : 1;
  element("speed-label").hidden = offered.length < 2;
}

/** Draw the curves up to x; null draws all of them. */
function showUntil(x) {
  until = x;
  const [, last] = extent();
  time.value = x === null ? 1 : x / last;
  time.setAttribute("aria-valuetext", `${formatted(x ?? last)} ${xTitle()}`);
  if (x !== null) cursor = x;
  showValues();
}

function nextFrame(now) {
  const end = (zoom ?? extent())[1];
  const x = until + ((now - (lastFrame ?? now)) / 1000) * Number(speed.value);
  lastFrame = now;
  if (x >= end) {
    pause();
    cursor = end;
    showUntil(null);
    return;
  }
  frame = requestAnimationFrame(nextFrame);
  showUntil(x);
}

function pause() {
  if (frame !== null) cancelAnimationFrame(frame);
  frame = null;
  playButton.textContent = "Play";
  element("cursor").setAttribute("aria-live", "polite");
}

/** Pause, and draw all of the curves. */
function showAll() {
  pause();
  showUntil(null);
  offerSpeeds();
}

async function play() {
  if (!isTime()) {
    element("cost").value = data.clock;
    await changeAxes();
  }
  const [first, end] = zoom ?? extent();
  if (until === null || until < first || until >= end) showUntil(first);
  playButton.textContent = "Pause";
  element("cursor").setAttribute("aria-live", "off"); // it changes with every frame
  lastFrame = null;
  frame = requestAnimationFrame(nextFrame);
}

playButton.addEventListener("click", () => (isPlaying() ? pause() : play()));
time.addEventListener("input", () => {
  pause();
  const share = Number(time.value);
  showUntil(share < 1 ? share * extent()[1] : null);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) pause();
});
