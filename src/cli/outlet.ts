/**
 * Standard output and error, written to by their descriptors. Node's streams of them are made where they are needed only, on a terminal or
 * where a descriptor takes nothing at the moment: making one takes a twentieth of the time that Node itself takes to start.
 */
import { once } from 'node:events'
import { fstatSync, writeSync } from 'node:fs'
import { codeOf } from '../storage/errors.ts'

export class Outlet {
  readonly #fd: 1 | 2
  readonly #onClosed: () => void
  #stream: NodeJS.WriteStream | undefined

  /** @param onClosed who reads what we write has seen enough */
  constructor(fd: 1 | 2, onClosed: () => void) {
    this.#fd = fd
    this.#onClosed = onClosed
    if (isTerminal(fd)) this.#open()
  }

  /** Characters to a line of the terminal; undefined: it is none. */
  get width(): number | undefined {
    return this.#stream?.isTTY === true ? this.#stream.columns : undefined
  }

  /** Until what was written has room to follow. */
  async flush(): Promise<void> {
    if (this.#stream?.writableNeedDrain === true) await once(this.#stream, 'drain')
  }

  /** @throws what the system says of a full disk, say */
  write(text: string): void {
    if (this.#stream !== undefined) return void this.#stream.write(text)
    let bytes: Uint8Array = Buffer.from(text)
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes))
    } catch (error) {
      if (codeOf(error) === 'EPIPE') return this.#onClosed()
      if (codeOf(error) !== 'EAGAIN') throw error
      // Somebody who has it too made it so that it does not wait: Node's stream does.
      this.#open().write(bytes)
    }
  }

  #open(): NodeJS.WriteStream {
    const stream = this.#fd === 1 ? process.stdout : process.stderr
    stream.on('error', (error) => {
      if (codeOf(error) !== 'EPIPE') throw error
      this.#onClosed()
    })
    this.#stream = stream
    return stream
  }
}

/** Or a device of the kind. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return true // Node says what is wrong with it.
  }
}
