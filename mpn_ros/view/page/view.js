'use strict';

const STALE = 2;        // seconds without an answer that are told in red
const RATE_WINDOW = 3;  // seconds over which the rate is taken
const TINT_OPACITY = .45;
const SHADOW = 'rgb(25, 25, 25)';

const now = () => performance.now() / 1000;
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const wanted = (name) => document.getElementById(name).checked;

function tellAge(seconds) {
  if (seconds === null) return 'no stamp';
  if (seconds > 3600) return 'recorded';  // a bag that is played keeps its stamps
  return seconds < 10 ? `${Math.round(1000 * seconds)} ms old` : `${Math.round(seconds)} s old`;
}

class Panel {
  constructor(camera, palette) {
    this.camera = camera;
    this.palette = palette;
    const figure = document.querySelector('template').content.firstElementChild.cloneNode(true);
    document.querySelector('main').append(figure);
    this.figure = figure;
    this.canvas = figure.querySelector('canvas');
    figure.querySelector('.name').textContent = camera;
    this.number = 0;
    this.arrivals = [];
    this.started = now();
  }

  // Asks for the next frame when this one is drawn: a slow page skips frames instead of falling behind.
  async follow() {
    for (;;) {
      try {
        const query = new URLSearchParams({camera: this.camera, after: this.number});
        const response = await fetch(`frame?${query}`);
        if (!response.ok) throw new Error(response.statusText);
        await this.take(await response.formData());
        this.connected = true;
      } catch {
        this.connected = false;
        await pause(.5);
      }
    }
  }

  async take(parts) {
    const facts = JSON.parse(await parts.get('facts').text());
    this.silence = facts.silence;
    this.error = facts.error;
    if (facts.number === this.number) return;
    this.number = facts.number;
    if (!parts.has('picture')) return;
    this.facts = facts;
    this.answered = now() - facts.held;
    this.arrivals.push(now());
    const mask = parts.get('mask');
    [this.picture, this.mask] = await Promise.all(
      [createImageBitmap(parts.get('picture')), mask && createImageBitmap(mask)]);
    this.draw();
  }

  draw() {
    if (!this.picture) return;
    const {canvas, picture, facts} = this;
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width;
      canvas.height = picture.height;
    }
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0);
    if (this.mask && wanted('mask')) {
      context.globalAlpha = TINT_OPACITY;
      context.drawImage(this.mask, 0, 0, canvas.width, canvas.height);
      context.globalAlpha = 1;
    }
    const scale = canvas.width / facts.size[0];
    for (const person of [...facts.people].reverse()) {
      if (wanted('boxes')) this.drawBox(context, person, scale);
      if (wanted('skeletons')) this.drawSkeleton(context, person, scale);
    }
  }

  drawBox(context, person, scale) {
    const unit = Math.max(1, Math.max(this.canvas.width, this.canvas.height) / 640);
    const [x0, y0, x1, y1] = person.box.map((edge) => edge * scale);
    for (const [width, colour] of [[3 * unit, SHADOW], [unit, this.palette.box]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    }
    const label = (person.id === null ? '' : `#${person.id} `) + person.score.toFixed(2);
    context.font = `${12 * unit}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    const width = context.measureText(label).width + 6 * unit, height = 17 * unit;
    const top = y0 >= height ? y0 - height : y0;
    const left = Math.max(0, Math.min(x0, this.canvas.width - width));
    context.fillStyle = this.palette.box;
    context.fillRect(left, top, width, height);
    context.fillStyle = SHADOW;
    context.fillText(label, left + 3 * unit, top + height / 2);
  }

  // As draw.py: the dark outline of everything first, or it would cut through the bones that cross.
  drawSkeleton(context, person, scale) {
    const unit = Math.max(1, Math.max(this.canvas.width, this.canvas.height) / 640);
    const [x0, y0, x1, y1] = person.box;
    const bone = Math.max(1, Math.min(Math.max(x1 - x0, y1 - y0) * scale / 90, 3.5 * unit));
    const edge = bone / 3 + .5;
    // A whole number is the middle of a pixel there, and its left edge on a canvas.
    const points = person.keypoints.map((joint) => joint && joint.slice(0, 2).map((at) => (at + .5) * scale));
    const bones = this.palette.bones.filter(([a, b]) => points[a] && points[b]);
    context.lineCap = 'round';
    for (const outline of [true, false]) {
      for (const [a, b, colour] of bones) {
        context.lineWidth = bone + (outline ? 2 * edge : 0);
        context.strokeStyle = outline ? SHADOW : colour;
        context.beginPath();
        context.moveTo(...points[a]);
        context.lineTo(...points[b]);
        context.stroke();
      }
    }
    points.forEach((point, index) => {
      if (!point) return;
      for (const [radius, colour] of [[bone + edge, SHADOW], [bone, this.palette.joints[index]]]) {
        context.fillStyle = colour;
        context.beginPath();
        context.arc(...point, radius, 0, 2 * Math.PI);
        context.fill();
      }
    });
  }

  tell() {
    const quiet = now() - (this.answered ?? this.started);
    const stale = quiet > STALE || this.connected === false;
    this.figure.classList.toggle('stale', stale && this.picture !== undefined);
    this.figure.querySelector('.state').textContent = stale ? this.complaint(quiet) : '';
    this.arrivals = this.arrivals.filter((at) => at > now() - RATE_WINDOW);
    if (!this.facts) return;
    const span = Math.min(RATE_WINDOW, now() - this.started);
    const people = this.facts.people.length;
    const age = this.facts.age === null ? null : this.facts.age + now() - this.answered;
    this.figure.querySelector('.figures').textContent = [
      `${people} ${people === 1 ? 'person' : 'people'}`,
      `${(this.arrivals.length / span).toFixed(1)} Hz`,
      tellAge(age),
    ].join(' · ');
  }

  complaint(quiet) {
    if (this.connected === false) return 'no connection to mpn view';
    const since = this.answered === undefined ? 'no answer yet' : `no answer for ${quiet.toFixed(0)} s`;
    if (this.error) return `${since}: ${this.error}`;
    if (this.silence === null) return `${since}: no image has come`;
    return this.silence > STALE ? `${since}: no images` : `${since}: images come`;
  }
}

async function main() {
  const {cameras, ...palette} = await (await fetch('setup')).json();
  const panels = cameras.map((camera) => new Panel(camera, palette));
  for (const panel of panels) panel.follow();
  setInterval(() => panels.forEach((panel) => panel.tell()), 200);
  for (const name of ['boxes', 'skeletons', 'mask']) {
    document.getElementById(name).addEventListener('change', () => panels.forEach((panel) => panel.draw()));
  }
}

main();
