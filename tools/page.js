"use strict";
(function () {
// What was recorded. Times are nanoseconds from the beginning; -1: that never happened.
const data = JSON.parse(document.getElementById("data").textContent);
const jobs = data.jobs;
const count = jobs.engine.length;
for (const column of ["submitted", "ready", "begun", "ended"])
	jobs[column] = Float64Array.from(jobs[column]);

const byId = (id) => document.getElementById(id);
const root = byId("timeline");
const chart = byId("chart");
const overview = byId("overview");
const details = byId("details");
const pen = chart.getContext("2d");

const GUTTER = 124; // for the names of engines
const AXIS = 30;
const SLICE = 24;
const LANE = 4; // of jobs that wait
const MAX_LANES = 8;
const GAP = 12; // below a track
const HEADING = 26; // above a class of engines
const SHORTEST = 100; // ns that can be seen at once
const COLOURS = 16;
const NONE = -1;

// Times, as text

function duration(ns) {
	const abs = Math.abs(ns);
	if (abs < 1e3)
		return `${Math.round(ns)} ns`;
	if (abs < 1e6)
		return `${(ns / 1e3).toFixed(abs < 1e5 ? 2 : 1)} µs`;
	if (abs < 1e9)
		return `${(ns / 1e6).toFixed(abs < 1e7 ? 3 : 2)} ms`;
	return `${(ns / 1e9).toFixed(3)} s`;
}

// A moment: as exact as a job's times are of use.
const moment = (ns) => ns < 1e6 ? duration(ns) : `${(ns / 1e6).toFixed(3)} ms`;

// A mark of the axis, as exact as marks that are 'step' apart need.
function mark(ns, step) {
	if (Math.abs(ns) < step / 2)
		return "0";
	const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
	const [scale, unit] = units.find(([size]) => Math.abs(ns) >= size) || units[3];
	const digits = Math.max(0, Math.ceil(Math.log10(scale / step) - 1e-9));
	return `${(ns / scale).toFixed(digits)} ${unit}`;
}

// Lanes: intervals in the order of their beginnings

// 'latest' is the latest end so far: it never falls, so that what is to be seen can be searched for.
function makeLane(indices, beginOf, endOf) {
	const order = indices.sort((a, b) => beginOf(a) - beginOf(b));
	const lane = {
		jobs: Uint32Array.from(order),
		begin: new Float64Array(order.length),
		end: new Float64Array(order.length),
		latest: new Float64Array(order.length),
	};
	let latest = -Infinity;
	order.forEach((job, i) => {
		lane.begin[i] = beginOf(job);
		lane.end[i] = endOf(job);
		latest = Math.max(latest, lane.end[i]);
		lane.latest[i] = latest;
	});
	return lane;
}

// The first place at which 'sorted' is 'value' or more.
function lowerBound(sorted, value) {
	let low = 0;
	let high = sorted.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const waitEnd = (job) => jobs.begun[job] >= 0 ? jobs.begun[job] : jobs.ended[job];

// Jobs that wait at the same time lie above each other; where there are too many, on each other.
function waitingLanes(indices) {
	const order = indices.slice().sort((a, b) => jobs.submitted[a] - jobs.submitted[b]);
	const lanes = [];
	const ends = [];
	for (const job of order) {
		let lane = ends.findIndex((end) => end <= jobs.submitted[job]);
		if (lane < 0)
			lane = Math.min(ends.length, MAX_LANES - 1);
		(lanes[lane] = lanes[lane] || []).push(job);
		ends[lane] = Math.max(ends[lane] || 0, waitEnd(job));
	}
	return lanes.map((lane) => makeLane(lane, (job) => jobs.submitted[job], waitEnd));
}

// The tracks

const tracks = data.engines.map((engine, index) => ({ engine, index, all: [] }));
for (let job = 0; job < count; job++)
	tracks[jobs.engine[job]].all.push(job);
tracks.sort((a, b) => a.engine.order - b.engine.order || a.index - b.index);
const trackOf = [];
let height = AXIS;
tracks.forEach((track, i) => {
	trackOf[track.index] = track;
	track.heading = i === 0 || tracks[i - 1].engine.kind !== track.engine.kind;
	const begun = track.all.filter((job) => jobs.begun[job] >= 0);
	track.slices = makeLane(begun, (job) => jobs.begun[job], (job) => jobs.ended[job]);
	track.waiting = waitingLanes(track.all);
	track.busy = begun.reduce((sum, job) => sum + jobs.ended[job] - jobs.begun[job], 0);
	track.place = new Map();
	height += track.heading ? HEADING : 0;
	track.top = height;
	track.bottom = height + SLICE + 3 + LANE * track.waiting.length;
	height = track.bottom + GAP;
});

// What is asked of a job

const endOfAll = Math.max(data.end, 1);
const text = (number) => data.texts[number];
const nameOf = (job) => text(jobs.name[job]) || "(no name)";
const titleOf = (job) => text(jobs.label[job]) || nameOf(job);
const errorOf = (job) => data.errors[jobs.error[job]] || `error ${jobs.error[job]}`;
const byEnd = Uint32Array.from(jobs.engine.keys()).sort((a, b) => jobs.ended[a] - jobs.ended[b]);
const endsInOrder = Float64Array.from(byEnd, (job) => jobs.ended[job]);
const failed = byEnd.filter((job) => jobs.error[job]);

const byContext = new Map();
for (let job = 0; job < count; job++) {
	const key = String(jobs.context[job]);
	if (!byContext.has(key))
		byContext.set(key, []);
	byContext.get(key).push(job);
}
for (const list of byContext.values())
	list.sort((a, b) => Number(jobs.seqno[a]) - Number(jobs.seqno[b]));

function before(job) {
	const list = byContext.get(String(jobs.context[job]));
	const place = list.indexOf(job);
	return place > 0 ? list[place - 1] : NONE;
}

// Of the same job: they were submitted in one go.
function otherBatches(job) {
	const others = [];
	for (let other = 0; other < count; other++) {
		if (other !== job && jobs.name[other] === jobs.name[job] &&
		    jobs.submitted[other] === jobs.submitted[job])
			others.push(other);
	}
	return others;
}

// What ended last before a job was ready, while it waited. That it was this is likely, not known.
function lastBeforeReady(job) {
	const ready = jobs.ready[job];
	let place = lowerBound(endsInOrder, ready + 1) - 1;
	while (place >= 0 && byEnd[place] === job)
		place--;
	return ready >= 0 && place >= 0 && endsInOrder[place] > jobs.submitted[job] ? byEnd[place] : NONE;
}

// What the engine did between the moment at which a job was ready and that at which it was begun.
function doneMeanwhile(job) {
	const lane = trackOf[jobs.engine[job]].slices;
	const found = [];
	if (jobs.ready[job] < 0 || jobs.begun[job] < 0)
		return found;
	for (let i = lowerBound(lane.latest, jobs.ready[job] + 1);
	     i < lane.jobs.length && lane.begin[i] < jobs.begun[job]; i++) {
		if (lane.jobs[i] !== job && lane.end[i] > jobs.ready[job])
			found.push(lane.jobs[i]);
	}
	return found;
}

// Colours: one for each name of a context, those with the most jobs first

const colourOf = [];
const names = new Map();
for (let job = 0; job < count; job++)
	names.set(jobs.name[job], (names.get(jobs.name[job]) || 0) + 1);
const namesByCount = [...names.keys()].sort((a, b) => names.get(b) - names.get(a) || a - b);
namesByCount.forEach((name, i) => { colourOf[name] = i % COLOURS; });

let colours;
function readColours() {
	const style = getComputedStyle(document.documentElement);
	const get = (name) => style.getPropertyValue(name).trim();
	colours = { fill: [] };
	for (let i = 0; i < COLOURS; i++)
		colours.fill.push(get(`--fill${i}`));
	for (const name of ["back", "card", "line", "grid", "ink", "quiet", "accent", "bad"])
		colours[name] = get(`--${name}`);
	colours.onFill = get("--on-fill");
	colours.waitsFences = get("--waits-fences");
	colours.waitsEngine = get("--waits-engine");
	// Not by its colour alone: what failed is hatched.
	const tile = document.createElement("canvas");
	tile.width = tile.height = 6;
	const hatch = tile.getContext("2d");
	hatch.fillStyle = colours.card;
	hatch.fillRect(0, 0, 6, 6);
	hatch.strokeStyle = colours.bad;
	hatch.lineWidth = 2;
	for (const x of [-6, 0, 6]) {
		hatch.beginPath();
		hatch.moveTo(x - 1, 7);
		hatch.lineTo(x + 7, -1);
		hatch.stroke();
	}
	colours.failed = pen.createPattern(tile, "repeat");
}

// What is shown

const view = { from: 0, to: endOfAll };
let width = 0;
let selected = NONE;
let hovered = NONE;
let chosenName = NONE; // of the legend
let wanted = ""; // of the search
let choice = null; // what is being chosen with the mouse: two places

const plotWidth = () => Math.max(width - GUTTER - 8, 1);
const xOf = (time) => GUTTER + (time - view.from) / (view.to - view.from) * plotWidth();
const timeOf = (x) => view.from + (x - GUTTER) / plotWidth() * (view.to - view.from);

function setView(from, to) {
	const margin = endOfAll * 0.02;
	const most = endOfAll + 2 * margin;
	let span = Math.min(Math.max(to - from, SHORTEST), most);
	let begin = from + (to - from - span) / 2;
	begin = Math.min(Math.max(begin, -margin), endOfAll + margin - span);
	view.from = begin;
	view.to = begin + span;
	redraw();
}

const showAll = () => setView(-endOfAll * 0.01, endOfAll * 1.01);

function zoom(factor, x) {
	const at = timeOf(x === undefined ? GUTTER + plotWidth() / 2 : x);
	setView(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

function move(part) {
	const by = (view.to - view.from) * part;
	setView(view.from + by, view.to + by);
}

// Whether a job stands out, if some do.
const matches = new Uint8Array(data.texts.length);
function findMatches() {
	matches.fill(0);
	data.texts.forEach((entry, i) => {
		matches[i] = wanted && entry.toLowerCase().includes(wanted) ? 1 : 0;
	});
}
const isMatch = (job) => matches[jobs.label[job]] || matches[jobs.name[job]];

function standsOut(job) {
	if (wanted)
		return isMatch(job);
	if (chosenName !== NONE)
		return jobs.name[job] === chosenName;
	const about = hovered !== NONE ? hovered : selected;
	return about === NONE || jobs.name[job] === jobs.name[about];
}

// Drawing

let pending = false;
function redraw() {
	if (pending)
		return;
	pending = true;
	requestAnimationFrame(() => {
		pending = false;
		draw();
	});
}

function fit(canvas, cssHeight) {
	const scale = window.devicePixelRatio || 1;
	const cssWidth = canvas.parentElement.clientWidth;
	const wide = Math.round(cssWidth * scale);
	const high = Math.round(cssHeight * scale);
	if (canvas.width !== wide || canvas.height !== high) {
		canvas.width = wide;
		canvas.height = high;
		canvas.style.height = `${cssHeight}px`;
	}
	const context = canvas.getContext("2d");
	context.setTransform(scale, 0, 0, scale, 0, 0);
	context.clearRect(0, 0, cssWidth, cssHeight);
	return cssWidth;
}

// 1, 2 or 5 times a power of ten, so that marks are about 'pixels' apart.
function stepOf(pixels) {
	const least = (view.to - view.from) / plotWidth() * pixels;
	const power = Math.pow(10, Math.floor(Math.log10(Math.max(least, 1))));
	return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least);
}

function drawAxis() {
	const step = stepOf(110);
	pen.font = "12px system-ui, sans-serif";
	pen.textBaseline = "middle";
	pen.textAlign = "center";
	for (let i = Math.ceil(view.from / step); i * step <= view.to; i++) {
		const x = Math.round(xOf(i * step)) + 0.5;
		pen.fillStyle = colours.grid;
		pen.fillRect(x - 0.5, AXIS - 6, 1, height - AXIS);
		pen.fillStyle = colours.quiet;
		const label = mark(i * step, step);
		const half = pen.measureText(label).width / 2;
		pen.fillText(label, Math.min(x, width - half), AXIS / 2 - 2);
	}
}

function shorten(string, pixels) {
	if (pen.measureText(string).width <= pixels)
		return string;
	const letters = Array.from(string);
	let fits = Math.floor(pixels / 6);
	while (fits > 0 && pen.measureText(letters.slice(0, fits).join("") + "…").width > pixels)
		fits--;
	return fits > 0 ? letters.slice(0, fits).join("") + "…" : "";
}

function drawNames() {
	pen.textAlign = "left";
	pen.textBaseline = "alphabetic";
	for (const track of tracks) {
		if (track.heading) {
			pen.font = "600 11px system-ui, sans-serif";
			pen.fillStyle = colours.quiet;
			pen.fillText(track.engine.kind.toUpperCase(), 0, track.top - 9);
			pen.fillStyle = colours.line;
			pen.fillRect(0, track.top - HEADING + 1, width, 1);
		}
		pen.font = "13px system-ui, sans-serif";
		pen.fillStyle = colours.ink;
		pen.fillText(shorten(track.engine.name, GUTTER - 12), 0, track.top + 11);
		pen.font = "11px system-ui, sans-serif";
		pen.fillStyle = colours.quiet;
		pen.fillText(`tile ${track.engine.tile} · ${(100 * track.busy / endOfAll).toFixed(0)} %`,
			     0, track.top + 25);
	}
}

let drawn;
let visible;

// Calls paint(job, x, width, share) for what is to be seen of a lane. What is thinner than a pixel
// is put together, and painted as the first of them, with the share of the pixel that they cover.
function paintLane(lane, paint) {
	const perPixel = (view.to - view.from) / plotWidth();
	const right = width - 8;
	let pixel = NONE;
	let covered = 0;
	let shown = NONE;
	const flush = () => {
		if (shown !== NONE) {
			drawn++;
			paint(shown, pixel, 1, Math.min(covered, 1));
		}
		shown = NONE;
		covered = 0;
	};
	for (let i = lowerBound(lane.latest, view.from); i < lane.jobs.length; i++) {
		if (lane.begin[i] > view.to)
			break;
		if (lane.end[i] < view.from)
			continue;
		visible++;
		const job = lane.jobs[i];
		const x1 = Math.max(xOf(lane.begin[i]), GUTTER);
		const x2 = Math.min(xOf(lane.end[i]), right);
		if (x2 - x1 >= 1.5) {
			flush();
			drawn++;
			paint(job, x1, x2 - x1, 1);
			continue;
		}
		if (Math.floor(x1) !== pixel) {
			flush();
			pixel = Math.floor(x1);
		}
		covered += (lane.end[i] - lane.begin[i]) / perPixel;
		// What failed is never hidden by what did not, nor what stands out.
		if (shown === NONE || weight(job) > weight(shown))
			shown = job;
	}
	flush();
}

const weight = (job) => (standsOut(job) ? 2 : 0) + (jobs.error[job] ? 1 : 0);

function drawSlice(job, x, wide, share, top) {
	const bad = jobs.error[job] !== 0;
	const faint = !standsOut(job);
	const gap = wide > 3 ? 0.5 : 0;
	pen.globalAlpha = (faint ? (bad ? 0.45 : 0.22) : 1) * (bad ? 1 : 0.35 + 0.65 * share);
	pen.fillStyle = bad ? (wide > 3 ? colours.failed : colours.bad)
			    : colours.fill[colourOf[jobs.name[job]]];
	pen.fillRect(x + gap, top, wide - gap, SLICE);
	if (bad && wide > 3) {
		pen.strokeStyle = colours.bad;
		pen.lineWidth = 1.5;
		pen.strokeRect(x + 1, top + 0.75, Math.max(wide - 1.5, 1), SLICE - 1.5);
	}
	if (wide > 26) {
		const label = shorten((bad ? "✕ " : "") + titleOf(job), wide - 10);
		pen.globalAlpha = faint ? 0.8 : 1;
		if (label && bad) {
			pen.fillStyle = colours.card;
			pen.fillRect(x + 3, top + 4, pen.measureText(label).width + 5, SLICE - 8);
		}
		pen.fillStyle = bad ? colours.bad : faint ? colours.quiet : colours.onFill;
		pen.fillText(label, x + 5, top + SLICE / 2 + 0.5);
	}
}

function drawWaiting(job, x, wide, share, top) {
	const begin = Math.max(xOf(jobs.submitted[job]), x);
	const split = jobs.ready[job] < 0 ? x + wide : Math.min(Math.max(xOf(jobs.ready[job]), x), x + wide);
	pen.globalAlpha = (standsOut(job) ? 1 : 0.25) * (0.3 + 0.7 * share);
	pen.fillStyle = colours.waitsFences;
	if (wide <= 1) {
		pen.fillStyle = split > x + 0.5 ? colours.waitsFences : colours.waitsEngine;
		pen.fillRect(x, top, 1, LANE - 1);
	} else {
		pen.fillRect(begin, top, Math.max(split - begin, 0), LANE - 1);
		pen.fillStyle = colours.waitsEngine;
		pen.fillRect(split, top, x + wide - split, LANE - 1);
	}
	if (jobs.begun[job] < 0 && jobs.ended[job] <= view.to) {
		pen.globalAlpha = standsOut(job) ? 1 : 0.4;
		pen.fillStyle = colours.bad;
		pen.fillRect(x + wide - 2, top - 1, 3, LANE + 1);
	}
}

function drawTracks() {
	pen.save();
	pen.beginPath();
	pen.rect(GUTTER, 0, plotWidth() + 1, height);
	pen.clip();
	pen.textBaseline = "middle";
	pen.textAlign = "left";
	pen.font = "12px system-ui, sans-serif";
	for (const track of tracks) {
		pen.globalAlpha = 1;
		pen.fillStyle = colours.grid;
		pen.fillRect(GUTTER, track.top + SLICE - 1, plotWidth(), 1);
		track.waiting.forEach((lane, i) => {
			const top = track.top + SLICE + 3 + i * LANE;
			paintLane(lane, (job, x, wide, share) => drawWaiting(job, x, wide, share, top));
		});
		paintLane(track.slices, (job, x, wide, share) => drawSlice(job, x, wide, share, track.top));
	}
	pen.globalAlpha = 1;
	drawSelection();
	pen.restore();
}

// From the end of one job to where another that waited for it was ready.
function drawLink(from, to, dashed) {
	if (from === NONE)
		return;
	const x1 = xOf(jobs.ended[from]);
	const y1 = trackOf[jobs.engine[from]].top + SLICE / 2;
	const x2 = xOf(jobs.ready[to] >= 0 ? jobs.ready[to] : jobs.ended[to]);
	const y2 = trackOf[jobs.engine[to]].top + SLICE + 3;
	const bend = Math.max(Math.abs(x2 - x1) / 2, 20);
	pen.strokeStyle = colours.ink;
	pen.lineWidth = 1.5;
	pen.setLineDash(dashed ? [4, 3] : []);
	pen.beginPath();
	pen.moveTo(x1, y1);
	pen.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
	pen.stroke();
	pen.setLineDash([]);
	pen.fillStyle = colours.ink;
	pen.beginPath();
	pen.arc(x2, y2, 3, 0, 2 * Math.PI);
	pen.fill();
}

function outline(job, colour) {
	const track = trackOf[jobs.engine[job]];
	const begun = jobs.begun[job] >= 0;
	const x1 = Math.max(xOf(begun ? jobs.begun[job] : jobs.submitted[job]), GUTTER - 4);
	const x2 = Math.min(xOf(jobs.ended[job]), width);
	pen.strokeStyle = colour;
	pen.lineWidth = 2;
	if (x2 >= GUTTER && x1 <= width)
		pen.strokeRect(x1 - 1, track.top - 2, Math.max(x2 - x1, 2) + 2,
			       begun ? SLICE + 4 : track.bottom - track.top + 3);
}

function drawSelection() {
	if (hovered !== NONE && hovered !== selected)
		outline(hovered, colours.quiet);
	if (selected !== NONE) {
		const previous = before(selected);
		const last = lastBeforeReady(selected);
		// That it comes after one that had ended long before is no news.
		if (previous !== NONE && jobs.ended[previous] > jobs.submitted[selected])
			drawLink(previous, selected, false);
		if (last !== previous)
			drawLink(last, selected, true);
		outline(selected, colours.accent);
	}
	if (choice) {
		pen.globalAlpha = 0.18;
		pen.fillStyle = colours.accent;
		pen.fillRect(Math.min(choice.x1, choice.x2), 0, Math.abs(choice.x2 - choice.x1), height);
		pen.globalAlpha = 1;
	}
}

// How many engines worked, all the time, for the strip above.
let bins = null;
function countBins(size) {
	bins = new Float64Array(size);
	const perBin = endOfAll / size;
	for (let job = 0; job < count; job++) {
		if (jobs.begun[job] < 0)
			continue;
		const first = Math.min(Math.max(Math.floor(jobs.begun[job] / perBin), 0), size - 1);
		const last = Math.min(Math.max(Math.floor(jobs.ended[job] / perBin), 0), size - 1);
		for (let bin = first; bin <= last; bin++) {
			const begin = Math.max(jobs.begun[job], bin * perBin);
			const end = Math.min(jobs.ended[job], (bin + 1) * perBin);
			bins[bin] += Math.max(end - begin, 0) / perBin;
		}
	}
}

function drawOverview() {
	const high = 40;
	const wide = fit(overview, high);
	const brush = overview.getContext("2d");
	const size = Math.max(Math.floor(wide - GUTTER - 8), 1);
	if (!bins || bins.length !== size)
		countBins(size);
	const most = Math.max(tracks.length, 1);
	brush.fillStyle = colours.back;
	brush.fillRect(GUTTER, 0, size, high);
	brush.fillStyle = colours.waitsEngine;
	bins.forEach((busy, i) => {
		const bar = Math.min(busy / most, 1) * (high - 4);
		brush.fillRect(GUTTER + i, high - bar, 1, bar);
	});
	const x1 = GUTTER + Math.max(view.from / endOfAll, 0) * size;
	const x2 = GUTTER + Math.min(view.to / endOfAll, 1) * size;
	brush.globalAlpha = 0.15;
	brush.fillStyle = colours.accent;
	brush.fillRect(x1, 0, Math.max(x2 - x1, 2), high);
	brush.globalAlpha = 1;
	brush.strokeStyle = colours.accent;
	brush.lineWidth = 1.5;
	brush.strokeRect(x1 + 0.75, 0.75, Math.max(x2 - x1 - 1.5, 1), high - 1.5);
	brush.fillStyle = colours.quiet;
	brush.font = "11px system-ui, sans-serif";
	brush.textBaseline = "middle";
	brush.fillText("engines at work", 0, high / 2);
}

function draw() {
	drawn = visible = 0;
	width = fit(chart, height);
	drawOverview();
	drawAxis();
	drawNames();
	drawTracks();
	// For scripts that look at the page.
	root.dataset.jobs = count;
	root.dataset.visible = visible;
	root.dataset.drawn = drawn;
	root.dataset.from = Math.round(view.from);
	root.dataset.to = Math.round(view.to);
	root.dataset.selected = selected;
	rememberSoon();
}

// The job that is shown in words

function element(name, content, kind) {
	const made = document.createElement(name);
	if (content !== undefined)
		made.textContent = content;
	if (kind)
		made.className = kind;
	return made;
}

function jobButton(job) {
	const button = element("button", `${titleOf(job)} (${data.engines[jobs.engine[job]].name})`);
	button.type = "button";
	button.addEventListener("click", () => { select(job); reveal(job); });
	return button;
}

function jobList(list) {
	const made = element("ul");
	list.slice(0, 6).forEach((job) => {
		const item = element("li");
		item.append(jobButton(job));
		made.append(item);
	});
	if (list.length > 6)
		made.append(element("li", `and ${list.length - 6} more`));
	return made;
}

function describeWaiting(job, into) {
	const ready = jobs.ready[job];
	const waited = (ready >= 0 ? ready : jobs.ended[job]) - jobs.submitted[job];
	const previous = before(job);
	const last = lastBeforeReady(job);
	into.append(element("h5", "Waited for fences"));
	into.append(element("p", ready >= 0 ? duration(waited) : `${duration(waited)}, and was not ready`));
	if (previous !== NONE) {
		const line = element("p", "Comes after, on its context: ");
		line.append(jobButton(previous));
		into.append(line);
	}
	if (last !== NONE && last !== previous) {
		const line = element("p", `Probably for what ended ${duration(ready - jobs.ended[last])} before: `);
		line.append(jobButton(last));
		into.append(line);
	}
	if (jobs.begun[job] < 0)
		return;
	const meanwhile = doneMeanwhile(job);
	into.append(element("h5", "Then waited for its engine"));
	into.append(element("p", duration(jobs.begun[job] - Math.max(ready, 0)) +
			    (meanwhile.length ? ", which did:" : "")));
	if (meanwhile.length)
		into.append(jobList(meanwhile));
}

function describe(job) {
	const made = document.createDocumentFragment();
	made.append(element("h4", titleOf(job)));
	if (jobs.error[job])
		made.append(element("p", `✕ Failed: ${errorOf(job)}`, "error"));
	const facts = element("dl");
	const fact = (name, value) => facts.append(element("dt", name), element("dd", value));
	fact("Engine", `${data.engines[jobs.engine[job]].name}, tile ${data.engines[jobs.engine[job]].tile}`);
	fact("Context", nameOf(job));
	fact("Fence", `context ${jobs.context[job]} seqno ${jobs.seqno[job]}`);
	fact("Batch", String(jobs.batch[job]));
	fact("Submitted", moment(jobs.submitted[job]));
	fact("Ready", jobs.ready[job] >= 0 ? moment(jobs.ready[job]) : "never");
	fact("Begun", jobs.begun[job] >= 0 ? moment(jobs.begun[job]) : "never");
	fact("Ended", moment(jobs.ended[job]));
	if (jobs.begun[job] >= 0)
		fact("Took", duration(jobs.ended[job] - jobs.begun[job]));
	made.append(facts);
	describeWaiting(job, made);
	const others = otherBatches(job);
	if (others.length) {
		made.append(element("h5", "Submitted with it"));
		made.append(jobList(others));
	}
	return made;
}

const hint = details.firstElementChild;
let described = NONE;
function showDetails() {
	const job = selected !== NONE ? selected : hovered;
	if (job === described)
		return;
	described = job;
	details.replaceChildren(job === NONE ? hint : describe(job));
	byId("previous").disabled = byId("next").disabled = selected === NONE;
}

function select(job) {
	selected = job;
	showDetails();
	redraw();
}

// Moves so that a job is to be seen, and no further.
function reveal(job) {
	const begin = jobs.begun[job] >= 0 ? jobs.begun[job] : jobs.submitted[job];
	const end = jobs.ended[job];
	const span = view.to - view.from;
	if (end - begin > span)
		setView(begin - (end - begin) * 0.2, end + (end - begin) * 0.2);
	else if (begin < view.from || end > view.to)
		setView((begin + end - span) / 2, (begin + end + span) / 2);
}

function zoomTo(job) {
	const begin = jobs.submitted[job];
	const span = Math.max(jobs.ended[job] - begin, SHORTEST);
	setView(begin - span * 0.25, begin + span * 1.25);
}

// Another job, from the one that is selected

const orderOf = (track) => {
	if (!track.order)
		track.order = makeLane(track.all.slice(), (job) => waitEnd(job), (job) => jobs.ended[job]);
	return track.order;
};

function step(by) {
	if (selected === NONE)
		return selectNear(tracks.find((track) => track.all.length), (view.from + view.to) / 2);
	const lane = orderOf(trackOf[jobs.engine[selected]]);
	const place = lane.jobs.indexOf(selected) + by;
	if (place >= 0 && place < lane.jobs.length) {
		select(lane.jobs[place]);
		reveal(selected);
	}
}

function selectNear(track, time) {
	if (!track)
		return;
	const lane = orderOf(track);
	const after = Math.min(lowerBound(lane.begin, time), lane.jobs.length - 1);
	const nearer = after > 0 && time - lane.begin[after - 1] < lane.begin[after] - time ? after - 1 : after;
	select(lane.jobs[nearer]);
	reveal(selected);
}

function otherTrack(by) {
	const some = tracks.filter((track) => track.all.length);
	if (selected === NONE)
		return step(0);
	const place = some.indexOf(trackOf[jobs.engine[selected]]) + by;
	if (place >= 0 && place < some.length)
		selectNear(some[place], waitEnd(selected));
}

function nextFailed() {
	if (!failed.length)
		return;
	const place = selected === NONE ? NONE : failed.indexOf(selected);
	select(failed[(place + 1) % failed.length]);
	reveal(selected);
}

// Where is what

function jobAt(x, y) {
	const track = tracks.find((each) => y >= each.top - 2 && y < each.bottom + 2);
	if (!track || x < GUTTER)
		return NONE;
	const row = Math.floor((y - track.top - SLICE - 2) / LANE);
	const lane = row < 0 ? track.slices : track.waiting[Math.min(row, track.waiting.length - 1)];
	if (!lane)
		return NONE;
	const slack = (view.to - view.from) / plotWidth() * 2;
	const time = timeOf(x);
	let best = NONE;
	let distance = slack;
	for (let i = lowerBound(lane.latest, time - slack);
	     i < lane.jobs.length && lane.begin[i] <= time + slack; i++) {
		const away = Math.max(lane.begin[i] - time, time - lane.end[i], 0);
		if (away <= distance && (best === NONE || away < distance)) {
			distance = away;
			best = lane.jobs[i];
		}
	}
	return best;
}

// Mouse, touch, keys

const pointers = new Map();
let gesture = null;

function place(event) {
	const box = chart.getBoundingClientRect();
	return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function beginGesture() {
	const points = [...pointers.values()];
	gesture = {
		from: view.from,
		to: view.to,
		x: points.reduce((sum, point) => sum + point.x, 0) / points.length,
		spread: points.length > 1 ? Math.abs(points[0].x - points[1].x) : 0,
		moved: gesture ? gesture.moved : false,
	};
}

chart.addEventListener("pointerdown", (event) => {
	if (event.button !== 0)
		return;
	const at = place(event);
	chart.setPointerCapture(event.pointerId);
	pointers.set(event.pointerId, at);
	if (event.shiftKey && pointers.size === 1)
		choice = { x1: at.x, x2: at.x };
	beginGesture();
});

chart.addEventListener("pointermove", (event) => {
	const at = place(event);
	if (!pointers.has(event.pointerId)) {
		const job = jobAt(at.x, at.y);
		chart.classList.toggle("on-job", job !== NONE);
		if (job !== hovered) {
			hovered = job;
			showDetails();
			redraw();
		}
		return;
	}
	pointers.set(event.pointerId, at);
	if (choice) {
		choice.x2 = at.x;
		chart.classList.add("choosing");
		redraw();
		return;
	}
	const points = [...pointers.values()];
	const x = points.reduce((sum, point) => sum + point.x, 0) / points.length;
	if (Math.abs(x - gesture.x) > 3 || points.length > 1)
		gesture.moved = true;
	if (!gesture.moved)
		return;
	chart.classList.add("moving");
	let span = gesture.to - gesture.from;
	const at0 = gesture.from + (gesture.x - GUTTER) / plotWidth() * span;
	if (points.length > 1)
		span *= Math.max(gesture.spread, 10) / Math.max(Math.abs(points[0].x - points[1].x), 10);
	const from = at0 - (x - GUTTER) / plotWidth() * span;
	setView(from, from + span);
});

function endPointer(event) {
	if (!pointers.has(event.pointerId))
		return;
	const at = place(event);
	pointers.delete(event.pointerId);
	chart.classList.remove("moving", "choosing");
	if (choice) {
		const [from, to] = [timeOf(Math.min(choice.x1, choice.x2)), timeOf(Math.max(choice.x1, choice.x2))];
		const wide = Math.abs(choice.x2 - choice.x1);
		choice = null;
		if (wide > 4 && event.type === "pointerup")
			setView(from, to);
		redraw();
	} else if (event.type === "pointerup" && !gesture.moved && !pointers.size) {
		select(jobAt(at.x, at.y));
	}
	if (pointers.size)
		beginGesture();
	else
		gesture = null;
}
chart.addEventListener("pointerup", endPointer);
chart.addEventListener("pointercancel", endPointer);
chart.addEventListener("pointerleave", () => {
	if (hovered !== NONE && !pointers.size) {
		hovered = NONE;
		showDetails();
		redraw();
	}
});
chart.addEventListener("dblclick", (event) => {
	const at = place(event);
	const job = jobAt(at.x, at.y);
	if (job !== NONE)
		zoomTo(job);
});

chart.addEventListener("wheel", (event) => {
	event.preventDefault();
	const lines = event.deltaMode === 1 ? 16 : 1;
	if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
		move((event.deltaX || event.deltaY) * lines / plotWidth());
	else
		zoom(Math.exp(Math.min(Math.max(event.deltaY * lines, -300), 300) / 400), place(event).x);
}, { passive: false });

overview.addEventListener("pointerdown", (event) => {
	overview.setPointerCapture(event.pointerId);
	moveOverview(event);
});
overview.addEventListener("pointermove", (event) => {
	if (event.buttons)
		moveOverview(event);
});
function moveOverview(event) {
	const x = event.clientX - overview.getBoundingClientRect().left - GUTTER;
	const span = view.to - view.from;
	const middle = x / plotWidth() * endOfAll;
	setView(middle - span / 2, middle + span / 2);
}

const keys = {
	"ArrowLeft": () => move(-0.15),
	"ArrowRight": () => move(0.15),
	"ArrowUp": () => otherTrack(-1),
	"ArrowDown": () => otherTrack(1),
	"+": () => zoom(0.6),
	"=": () => zoom(0.6),
	"-": () => zoom(1 / 0.6),
	"0": showAll,
	"Home": showAll,
	"[": () => step(-1),
	"]": () => step(1),
	"e": nextFailed,
	"Enter": () => selected !== NONE && zoomTo(selected),
	"Escape": () => select(NONE),
};
chart.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key])
		return;
	event.preventDefault();
	keys[event.key]();
});

byId("zoom-in").addEventListener("click", () => zoom(0.6));
byId("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
byId("reset").addEventListener("click", showAll);
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("next-failed").addEventListener("click", nextFailed);
byId("next-failed").disabled = !failed.length;
byId("previous").disabled = byId("next").disabled = true;

byId("find").addEventListener("input", (event) => {
	wanted = event.target.value.trim().toLowerCase();
	findMatches();
	let found = 0;
	for (let job = 0; wanted && job < count; job++)
		found += isMatch(job) ? 1 : 0;
	byId("found").textContent = wanted ? `${found} jobs` : "";
	redraw();
});

// The legend

function makeLegend() {
	const list = byId("legend");
	list.replaceChildren();
	namesByCount.slice(0, COLOURS).forEach((name) => {
		const item = element("li");
		const button = element("button");
		const swatch = element("i");
		swatch.style.background = `var(--fill${colourOf[name]})`;
		button.type = "button";
		button.setAttribute("aria-pressed", "false");
		button.append(swatch, element("span", text(name) || "(no name)"),
			      element("small", String(names.get(name))));
		button.addEventListener("click", () => {
			chosenName = chosenName === name ? NONE : name;
			for (const other of list.querySelectorAll("button"))
				other.setAttribute("aria-pressed",
						   String(chosenName === name && other === button));
			redraw();
		});
		item.append(button);
		list.append(item);
	});
	if (namesByCount.length > COLOURS)
		list.append(element("li", `and ${namesByCount.length - COLOURS} more`));
}

// What is shown is in the address: "#from=0&to=1000&job=3"

let remembering = 0;
function rememberSoon() {
	clearTimeout(remembering);
	remembering = setTimeout(() => {
		const job = selected === NONE ? "" : `&job=${selected}`;
		history.replaceState(null, "", `#from=${root.dataset.from}&to=${root.dataset.to}${job}`);
	}, 250);
}

function readAddress() {
	const said = new URLSearchParams(location.hash.slice(1));
	const number = (name) => said.has(name) ? Number(said.get(name)) : NaN;
	const job = number("job");
	if (Number.isFinite(number("to") - number("from")) && number("to") > number("from"))
		setView(number("from"), number("to"));
	else
		showAll();
	select(Number.isInteger(job) && job >= 0 && job < count ? job : NONE);
}
window.addEventListener("hashchange", readAddress);
window.addEventListener("resize", redraw);
if (window.ResizeObserver)
	new ResizeObserver(redraw).observe(chart.parentElement);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
	readColours();
	redraw();
});

chart.setAttribute("aria-label",
	`Timeline of ${tracks.length} engines with ${count} jobs, ${failed.length} of them failed`);
readColours();
makeLegend();
readAddress();
})();
