/**
 * Lines out of a stream of bytes (NDJSON: one JSON text a line, in UTF-8). What the other side sends is not trusted: a line has a
 * maximum, so that nobody fills our memory, and bytes that are no UTF-8 are refused rather than replaced.
 */
import { EngineError } from '../../events/index.ts'

const NEWLINE = 0x0a

export class Lines {
  readonly #bytesMax: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  /** The beginning of the next line. */
  #parts: Buffer[] = []
  #bytes = 0

  /** @param bytesMax longest line, without its end */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /**
   * The lines that a chunk completes, one at a time: those before a broken one are given.
   * @throws {EngineError} ERR_INVALID: a line is too long, or no UTF-8. No line can be told apart after that.
   */
  *push(chunk: Buffer): Generator<string> {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end))
      start = end + 1
      yield this.#take()
    }
    this.#keep(chunk.subarray(start))
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > this.#bytesMax)
      throw new EngineError('ERR_INVALID', `a line has more than ${this.#bytesMax} bytes`)
    if (part.length > 0) this.#parts.push(part)
  }

  #take(): string {
    const [only = Buffer.alloc(0)] = this.#parts
    const line = this.#parts.length > 1 ? Buffer.concat(this.#parts) : only
    this.#parts = []
    this.#bytes = 0
    try {
      return this.#decoder.decode(line)
    } catch (cause) {
      throw new EngineError('ERR_INVALID', 'a line is no UTF-8', { cause })
    }
  }
}
