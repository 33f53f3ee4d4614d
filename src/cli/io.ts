/** Where a command reads and writes, so that a test can give its own. */

export type Io = {
  readonly env: NodeJS.ProcessEnv
  /** Until what was written has room to follow: who writes much waits for it. */
  readonly flush: () => Promise<void>
  readonly nowMs: () => number
  /** Aborted when the person has had enough (SIGINT, SIGTERM, a closed pipe). */
  readonly signal: AbortSignal
  readonly stdin: AsyncIterable<Buffer | string>
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
  /** Characters to a line of the terminal; absent: what is written goes elsewhere. */
  readonly width?: number
}

export type Paint = (style: 'bold' | 'dim' | 'red', text: string) => string

const CODES = { bold: '1', dim: '2', red: '31' } as const

/** Paints on a terminal only, and not if NO_COLOR says so (no-color.org). */
export const painter = ({ env, width }: Io): Paint =>
  width === undefined || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb'
    ? (_style, text) => text
    : (style, text) => (text === '' ? '' : `\u001b[${CODES[style]}m${text}\u001b[0m`)
