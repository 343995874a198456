// Work that may wait: done a few milliseconds in every frame, so that scrolling never stalls while
// a page of many heads fills in.
const BUDGET = 8; // milliseconds of a frame's sixteen

const waiting = [];
let running = false;

function run() {
  const until = performance.now() + BUDGET;
  while (waiting.length && performance.now() < until) waiting.shift()();
  if (waiting.length) soon(run);
  else running = false;
}

/** The next frame, or a moment later where the page is not on the screen and has no frames. */
function soon(work) {
  if (document.hidden) setTimeout(work, 0);
  else requestAnimationFrame(work);
}

/** Does `task` soon; the function returned takes it back. */
export function later(task) {
  waiting.push(task);
  if (!running) { running = true; soon(run); }
  return () => {
    const at = waiting.indexOf(task);
    if (at >= 0) waiting.splice(at, 1);
  };
}
