// The page asks; nothing is pushed to it. What it shows is what the wall showed, or it says that it is not.
"use strict";

const words = {
  en: {
    ok: "OK", degraded: "Degraded", down: "Down", silent: "No answer", waiting: "Waiting",
    frame: "Frame", rate: "Frame rate", genlock: "Genlock", uncertainty: "Uncertain by", beat: "Beat from",
    measured: "Source's rate", residual: "Residual RMS", labels: "Labels from", slate: "Slate",
    free: "free", acquiring: "acquiring", locked: "locked", holdover: "holdover",
    events: "Events", file: "as a file", time: "Timecode", severity: "Severity", message: "What happened",
    info: "· info", warning: "▲ warning", error: "■ error", critical: "◆ critical",
    freeze: "Freeze", blackout: "Blackout", rolling: "Rolling", again: what => `${what}: again`,
    done: (what, frame) => `${what}: on frame ${frame}`, late: n => `, late by ${n}`, noCommands: "This desk takes no commands.",
    on: "on", off: "off", missed: "Missed ticks", poseAge: "Pose age",
    receiveToUse: "Receive to use", margin: "Margin", cameras: "Cameras", feeds: "Feeds", stages: "Frame stages",
    camera: "Camera", quality: "Quality", x: "X m", y: "Y m", z: "Z m", focal: "Focal mm", age: "Age ms",
    use: "Use ms", overscan: "Overscan", needed: "needed", exposure: "Exposure", hidden: "Hidden px", poses: "Poses",
    perLine: "per line", perFrame: "per frame", silentFor: "Silent ms", over: "over",
    feed: "Feed", packets: "Packets", bad: "Bad", lost: "Lost", jitter: "Jitter p99 ms",
    stage: "Stage", ms: "ms", share: "Share of the frame",
    measuredQuality: "measured", predicted: "predicted", held: "held", lostQuality: "lost",
    latch: "latch", simulate: "simulate", solve: "solve", render: "render", compose: "compose", present: "present",
    ago: s => `${s} s ago`, stale: s => `Stale: this picture is ${s} s old`, none: "No picture yet",
    quietDesk: "The desk does not answer; the figures below are the last ones it gave.", language: "中文",
  },
  zh: {
    ok: "正常", degraded: "降级", down: "中断", silent: "无应答", waiting: "等待中",
    frame: "帧", rate: "帧率", genlock: "同步锁相", uncertainty: "不确定度", beat: "节拍来源",
    measured: "信号源速率", residual: "残差 RMS", labels: "时间码来源", slate: "场记板",
    free: "自由运行", acquiring: "捕获中", locked: "已锁定", holdover: "保持",
    events: "事件", file: "下载", time: "时间码", severity: "级别", message: "内容",
    info: "· 信息", warning: "▲ 警告", error: "■ 错误", critical: "◆ 严重",
    freeze: "定格", blackout: "黑场", rolling: "开机", again: what => `${what}：再按一次`,
    done: (what, frame) => `${what}：第 ${frame} 帧`, late: n => `，晚 ${n} 帧`, noCommands: "此控制台不接受命令。",
    on: "开", off: "关", missed: "丢拍", poseAge: "位姿时延",
    receiveToUse: "接收到使用", margin: "余量", cameras: "摄影机", feeds: "数据源", stages: "帧内各阶段",
    camera: "摄影机", quality: "质量", x: "X 米", y: "Y 米", z: "Z 米", focal: "焦距 毫米", age: "时延 毫秒",
    use: "使用 毫秒", overscan: "过扫描", needed: "所需", exposure: "曝光", hidden: "缺失像素", poses: "位姿",
    perLine: "逐行", perFrame: "逐帧", silentFor: "静默 毫秒", over: "超支",
    feed: "数据源", packets: "数据包", bad: "错误", lost: "丢失", jitter: "抖动 p99 毫秒",
    stage: "阶段", ms: "毫秒", share: "占帧时间",
    measuredQuality: "实测", predicted: "预测", held: "保持", lostQuality: "丢失",
    latch: "锁存", simulate: "模拟", solve: "求解", render: "渲染", compose: "合成", present: "呈现",
    ago: s => `${s} 秒前`, stale: s => `画面已过时：${s} 秒前`, none: "尚无画面",
    quietDesk: "控制台无应答；以下为最后一次数据。", language: "English",
  },
};
const shapes = {
  ok: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z",
  degraded: "M8 1 15.5 15H.5Z",
  down: "M2 2h12v12H2Z",
  silent: "M8 .5 15.5 8 8 15.5.5 8Z",
  waiting: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z",
};
const STALE_SECONDS = 2;
// How long a change asks to be confirmed while a camera records.
const ARMED_MS = 3000;
// Events that the page keeps.
const EVENTS = 200;

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
let t = words[language];
let state = "waiting";
let fps = null;
let newest = null;
let over = [];
let silent = {};
let wall = {};
let seen = null;
let armed = null;
let held = false;
const walls = new Map();

const $ = id => document.getElementById(id);
const fixed = (value, digits) => value === null || value === undefined ? "–" : value.toFixed(digits);
const millis = nanos => nanos === null || nanos === undefined ? null : nanos / 1e6;

function put(id, text) { const node = $(id); if (node.textContent !== text) node.textContent = text; }

function setLanguage(next) {
  language = next;
  t = words[language];
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
  document.querySelectorAll("[data-t]").forEach(node => { node.textContent = t[node.dataset.t]; });
  put("language", t.language);
  heads();
  setState(state);
  showKeys();
  document.querySelectorAll("#events [data-severity]").forEach(node => { node.textContent = t[node.dataset.severity]; });
}

function setState(next) {
  state = next;
  $("health").className = next;
  $("shape").setAttribute("d", shapes[next]);
  put("word", t[next]);
}

function heads() {
  const head = (id, names) => {
    const cells = names.map(name => Object.assign(document.createElement("th"), { textContent: t[name], scope: "col" }));
    const row = document.createElement("tr");
    row.append(...cells);
    $(id).tHead.replaceChildren(row);
  };
  head("cameras", ["camera", "quality", "age", "use", "overscan", "needed", "exposure", "hidden"]);
  head("poses", ["camera", "x", "y", "z", "focal"]);
  head("feeds", ["feed", "silentFor", "packets", "bad", "lost", "jitter"]);
  head("events", ["time", "severity", "message"]);
  head("stages", ["stage", "ms", "share"]);
}

// Rows are kept and refilled, so that nothing jumps and a selection survives.
function fill(id, rows) {
  const body = $(id).tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, r) => {
    const row = body.rows[r] || body.insertRow();
    cells.forEach((cell, c) => {
      const node = row.cells[c] || row.insertCell();
      if (cell instanceof Object) {
        node.className = cell.className || "";
        if (cell.bar === undefined) { node.textContent = cell.text; return; }
        if (!node.firstElementChild) node.append(Object.assign(document.createElement("span"), { className: "bar" }));
        node.firstElementChild.style.width = `${Math.min(100, 100 * cell.bar).toFixed(1)}%`;
      } else if (node.textContent !== cell) {
        node.className = "";
        node.textContent = cell;
      }
    });
  });
}

function quality(name) {
  const text = name === "lost" ? t.lostQuality : name === "measured" ? t.measuredQuality : t[name];
  return name === "measured" ? text : { text, className: "note" };
}

function flagged(text, flag) { return flag ? { text, className: "note" } : text; }

function showCamera([id, c]) {
  const used = c.warped_ns ?? c.late_latched_ns ?? c.latched_ns;
  const use = used === null || c.received_ns === null ? null : used - c.received_ns;
  const wide = c.overscan !== null && c.overscan_needed !== null && c.overscan_needed > c.overscan;
  return [id, quality(c.quality), flagged(fixed(millis(c.pose_age_ns), 1), over.includes(`pose_age of ${id}`)),
    flagged(fixed(millis(use), 1), over.includes(`receive_to_use of ${id}`)), fixed(c.overscan, 2),
    flagged(fixed(c.overscan_needed, 2), wide), c.exposure_true ? t.perLine : t.perFrame, fixed(c.disoccluded_px, 0)];
}

function showReport(report) {
  const cameras = Object.entries(report.cameras);
  fill("cameras", cameras.map(showCamera));
  fill("poses", cameras.map(([id, c]) => {
    const [x, y, z] = c.position_m || [null, null, null];
    return [id, fixed(x, 3), fixed(y, 3), fixed(z, 3), fixed(c.focal_length_mm, 2)];
  }));
  fill("feeds", Object.entries(report.feeds).map(([id, f]) =>
    [id, fixed(millis(silent[id]), 0), String(f.packets), String(f.bad), String(f.lost), fixed(millis(f.jitter_p99_ns), 2)]));
  const frame = fps ? 1e9 / fps : 1e9 / 24;
  fill("stages", Object.entries(report.stages_ns).map(([name, nanos]) => {
    const word = t[name] || name;
    return [flagged(over.includes(name) ? `${word} (${t.over})` : word, over.includes(name)), fixed(millis(nanos), 2), { bar: nanos / frame }];
  }));
}

function showHealth(health) {
  fps = health.fps;
  newest = health.frame;
  over = health.over_budget;
  setState(health.state);
  put("recording", health.rolling ? `● ${t.rolling}${health.critical ? `\n${t.critical}` : ""}` : "");
  put("frame", fixed(health.frame, 0));
  put("timecode", health.timecode || "–");
  put("genlock", health.genlock ? t[health.genlock] : "–");
  put("uncertainty", fixed(health.uncertainty_ms === null ? null : health.uncertainty_ms * 1000, 0));
  put("fps", fixed(health.fps, 2));
  put("missed", String(health.missed_last_minute));
  put("pose-age", fixed(health.pose_age_ms, 1));
  put("use", fixed(health.receive_to_use_ms, 1));
  put("margin", fixed(health.margin_ms, 1));
  put("why", health.reasons.join(" · "));
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(4000) });
  if (!answer.ok) throw new Error(path);
  return answer;
}

async function figures() {
  try {
    showHealth(await (await ask("/api/v1/health")).json());
    if (state !== "down" || $("cameras").tBodies[0].rows.length === 0) {
      const report = await fetch("/api/v1/report", { cache: "no-store" });
      if (report.ok) showReport(await report.json());
    }
  } catch {
    setState("silent");
    put("why", t.quietDesk);
  }
}

async function sync() {
  try {
    const answer = await fetch("/api/v1/sync", { cache: "no-store" });
    if (!answer.ok) return;
    const { genlock, timecode, feeds } = await answer.json();
    put("source", genlock.source);
    $("source").title = genlock.trouble || "";
    put("ppm", genlock.measured_ppm === null ? "–" : (genlock.measured_ppm > 0 ? "+" : "") + genlock.measured_ppm.toFixed(2));
    put("residual", fixed(genlock.residual_ns === null ? null : genlock.residual_ns / 1000, 1));
    put("labels", timecode.source);
    $("labels").title = timecode.trouble || "";
    silent = Object.fromEntries(Object.entries(feeds).map(([id, feed]) => [id, feed.silent_ns]));
  } catch { /* the band tells */ }
}

// The newest stands first; where the list was scrolled it stays.
function addEvent(event) {
  const row = document.createElement("tr");
  row.className = event.severity;
  const cell = (text, className = "") => Object.assign(row.insertCell(), { textContent: text, className });
  cell(event.timecode || `${t.frame} ${event.frame}`).title = `${t.frame} ${event.frame}`;
  cell(t[event.severity], event.severity).dataset.severity = event.severity;
  cell(event.message).title = event.subject;
  const body = $("events").tBodies[0];
  body.prepend(row);
  while (body.rows.length > EVENTS) body.deleteRow(-1);
}

async function events() {
  try {
    const page = await (await ask(`/api/v1/events?limit=${EVENTS}${seen === null ? "" : `&since=${seen}`}`)).json();
    // A program that was started again counts from 1.
    if (seen !== null && page.newest < seen) $("events").tBodies[0].replaceChildren();
    page.events.forEach(addEvent);
    seen = page.events.length ? page.events.at(-1).seq : page.newest;
  } catch { /* the band tells */ }
}

async function keys() {
  try {
    const state = await (await ask("/api/v1/commands")).json();
    wall = state.wall;
    for (const name of ["freeze", "blackout", "rolling"]) $(name).disabled = !state.takes_commands;
    if (!state.takes_commands) put("answer", t.noCommands);
    put("slate", wall.slate || "–");
    showKeys();
  } catch { /* the band tells */ }
}

function showKeys() {
  for (const [name, key] of [["freeze", " F"], ["blackout", " B"], ["rolling", ""]]) {
    $(name).setAttribute("aria-pressed", String(Boolean(wall[name])));
    $(name).classList.toggle("armed", armed === name);
    put(name, armed === name ? t.again(t[name]) : `${name === "rolling" && wall.rolling ? "● " : ""}${t[name]}${key}`);
  }
}

// What the camera would see asks once while it records.
function confirmed(name) {
  if (!wall.rolling || name === "rolling" || armed === name) { armed = null; return true; }
  armed = name;
  setTimeout(() => { if (armed === name) { armed = null; showKeys(); } }, ARMED_MS);
  showKeys();
  return false;
}

// One after the other, so that a key that is let go cannot overtake its own pressing.
let giving = Promise.resolve();
function give(name, on) {
  giving = giving.then(async () => {
    const body = JSON.stringify({ command: name, on });
    const headers = { "Content-Type": "application/json" };
    try {
      const answer = await fetch("/api/v1/commands", { method: "POST", headers, body, signal: AbortSignal.timeout(4000) });
      const told = await answer.json();
      const what = `${t[name]} ${on ? t.on : t.off}`;
      put("answer", answer.ok ? t.done(what, told.frame) + (told.late ? t.late(told.late) : "") : told.detail);
      if (answer.ok) wall[name] = on;
    } catch {
      put("answer", t.quietDesk);
    }
    await keys();
  });
}

function press(name) { if (confirmed(name)) give(name, !wall[name]); }

function letGo() { if (held) { held = false; give("blackout", false); } }

// F freezes; B blacks out while it is held.
function onKey(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("freeze").disabled) return;
  if (event.code === "KeyF") press("freeze");
  if (event.code === "KeyB" && !held && confirmed("blackout")) { held = true; give("blackout", true); }
}

function addWall(id, wide) {
  const figure = document.createElement("figure");
  figure.className = wide ? "old wide" : "old";
  const frame = Object.assign(document.createElement("div"), { className: "frame" });
  const img = Object.assign(document.createElement("img"), { alt: id });
  const stale = Object.assign(document.createElement("div"), { className: "stale" });
  const caption = document.createElement("figcaption");
  const name = Object.assign(document.createElement("b"), { textContent: id });
  const number = document.createElement("span");
  const age = document.createElement("span");
  frame.append(img, stale);
  caption.append(name, number, age);
  figure.append(frame, caption);
  $("walls").append(figure);
  walls.set(id, { figure, img, stale, number, age, frame: null, changed: null });
}

async function picture(id) {
  const wall = walls.get(id);
  try {
    const answer = await ask(`/api/v1/walls/${encodeURIComponent(id)}/frame.png?width=960`);
    const frame = answer.headers.get("X-Cyclorama-Frame");
    const url = URL.createObjectURL(await answer.blob());
    await new Promise((done, failed) => { wall.img.onload = done; wall.img.onerror = failed; wall.img.src = url; });
    URL.revokeObjectURL(url);
    if (frame !== wall.frame) { wall.frame = frame; wall.changed = performance.now(); }
  } catch { /* its age tells */ }
}

// A picture is as old as it has gone unchanged here, and at least as old as its frame is behind the newest.
function ageOf(wall) {
  if (wall.changed === null) return Infinity;
  const unchanged = (performance.now() - wall.changed) / 1000;
  return fps ? Math.max(unchanged, (newest - Number(wall.frame)) / fps) : unchanged;
}

function ages() {
  for (const wall of walls.values()) {
    const secs = ageOf(wall);
    const text = secs.toFixed(1);
    wall.figure.classList.toggle("old", secs > STALE_SECONDS);
    wall.stale.textContent = wall.changed === null ? t.none : t.stale(text);
    wall.number.textContent = wall.frame === null ? "–" : `${t.frame} ${wall.frame}`;
    wall.age.textContent = wall.changed === null ? "–" : t.ago(text);
  }
}

const pause = ms => new Promise(done => setTimeout(done, ms));

async function repeat(ms, work) {
  for (;;) {
    if (!document.hidden) await work();
    await pause(ms);
  }
}

// The stage's walls, whatever shape the resolved stage gives them: a list of objects with an id.
async function findWalls() {
  while (walls.size === 0) {
    try {
      const stage = await (await ask("/api/v1/stage")).json();
      document.title = stage.name ? `${stage.name} – Cyclorama` : "Cyclorama";
      const list = stage.walls || stage.wall || [];
      list.forEach((wall, i) => addWall(wall.id, i === 0 && list.length % 2 === 1));
      if (list.length === 0) return;
    } catch { await pause(1000); }
  }
}

setLanguage(language);
$("language").addEventListener("click", () => setLanguage(language === "en" ? "zh" : "en"));
for (const name of ["freeze", "blackout", "rolling"]) $(name).addEventListener("click", () => press(name));
addEventListener("keydown", onKey);
addEventListener("keyup", event => { if (event.code === "KeyB") letGo(); });
addEventListener("blur", letGo);
repeat(250, figures);
repeat(500, events);
repeat(500, keys);
repeat(1000, sync);
repeat(100, async () => ages());
findWalls().then(() => walls.forEach((_, id) => repeat(400, () => picture(id))));
