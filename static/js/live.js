// One line to the server that mends itself: websocket first, server-sent events where websockets do not get through.
//
// With `after` it is a stream with a cursor: messages carry `seq`, what is already known is ignored, and a new
// connection asks for what came after. Without, every message is passed on and `onopen` says that there was a gap.

const SIGN_IN = 4401;
const GONE = 4404;
const FINISHED = 1000;
const PATIENCE = 3; // failures in a row before the other transport is tried
const LONGEST = 15000;
const EAGER = 12; // failures in a row until which a server that restarts is looked for every second or so

export class Line {
  /**
   * @param {{ws: string, sse?: string, after?: number, silence?: number,
   *          onmessage: (message: object) => void, onstate: (state: string) => void}} options
   *   `silence`: ms without any message, heartbeats included, after which the line is taken for dead.
   *   States: open, waiting (reconnecting), denied (signed out), gone, done.
   */
  constructor({ ws, sse, after, silence = 40000, onmessage, onstate }) {
    Object.assign(this, { ws, sse, after, silence, onmessage, onstate });
    this.failures = 0;
    this.stopped = false;
    this.wake = () => this.retryNow();
    addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.open();
  }

  get usesSse() {
    return Boolean(this.sse) && Math.floor(this.failures / PATIENCE) % 2 === 1;
  }

  open() {
    clearTimeout(this.timer);
    const sse = this.usesSse;
    const url = new URL(sse ? this.sse : this.ws, location.href);
    if (this.after !== undefined) url.searchParams.set("after", this.after);
    if (!sse) url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = sse ? new EventSource(url) : new WebSocket(url);
    this.socket = socket;
    this.listen(); // also bounds a handshake that never finishes
    socket.onopen = () => {
      this.listen();
      if (sse) this.works();
    };
    socket.onmessage = (event) => this.received(JSON.parse(event.data));
    if (sse) socket.onerror = () => this.drop();
    else socket.onclose = (event) => this.closed(event.code);
  }

  works() {
    this.failures = 0;
    this.onstate("open");
  }

  received(message) {
    this.listen();
    this.works();
    if (message.hb || (message.seq !== undefined && message.seq <= this.after)) return;
    if (message.seq !== undefined) this.after = message.seq;
    this.onmessage(message);
    if (message.end) this.stop("done");
  }

  closed(code) {
    const final = { [SIGN_IN]: "denied", [GONE]: "gone", [FINISHED]: "done" }[code];
    if (final) this.stop(final);
    else this.drop();
  }

  listen() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.drop(), this.silence);
  }

  drop() {
    this.letGo(); // without waiting for the closing handshake, which a frozen server never answers
    if (this.stopped) return;
    this.onstate("waiting");
    const ceiling = this.failures < EAGER ? 1200 : LONGEST;
    const pause = Math.min(ceiling, 300 * 2 ** this.failures++);
    this.timer = setTimeout(() => this.open(), pause * (0.5 + Math.random() / 2));
  }

  retryNow() {
    if (this.stopped || document.hidden || (this.socket && this.socket.readyState < 2)) return;
    this.open();
  }

  letGo() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = this.socket.onerror = null;
    this.socket.close();
    this.socket = null;
  }

  stop(state) {
    this.stopped = true;
    this.letGo();
    removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    if (state) this.onstate(state);
  }
}
