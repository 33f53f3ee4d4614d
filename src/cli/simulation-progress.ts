/** A line on the terminal that says how far it is, and goes when there is something to read. */
import type { Session } from './session.ts'

/** Before it is shown for the first time, and between two of them, in milliseconds. */
const PATIENCE_MS = 1000
const EVERY_MS = 200

export class Progress {
  readonly #session: Session
  #isShown = false
  #nextMs: number

  constructor(session: Session) {
    this.#session = session
    this.#nextMs = session.io.nowMs() + PATIENCE_MS
  }

  /** On a terminal, if it is time. */
  show(line: () => string): void {
    const { io, json } = this.#session
    if (io.width === undefined || json || io.nowMs() < this.#nextMs) return
    this.#nextMs = io.nowMs() + EVERY_MS
    this.#isShown = true
    io.writeError(`\r\u001b[K${line().slice(0, io.width - 1)}`)
  }

  clear(): void {
    if (this.#isShown) this.#session.io.writeError('\r\u001b[K')
    this.#isShown = false
  }
}
