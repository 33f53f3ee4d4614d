/** What an engine is opened with. */
import type { Drivers } from '../drivers/index.ts'
import type { Ports } from '../ports.ts'
import type { Engine } from './engine.ts'
import type { By } from './life.ts'

export type EngineOptions = {
  /** Goes on with a log that is older than what ran here in this boot: what it does not know is removed. */
  readonly acceptLogBehind?: boolean
  /** Asked once the log is open and may be written, before an epoch begins: if it rejects, so does opening, and nothing was written. */
  readonly admits?: (engine: Engine) => Promise<void>
  /** chronet's version, for the log. */
  readonly code: string
  readonly dataDir: string
  readonly drivers: Drivers
  /** In whose name the start puts back what others changed. Default: the engine's own. */
  readonly healedBy?: By
  /** Path of the namespace to take as the host; absent: the process's own. */
  readonly hostNetns?: string
  /** Leaves what others changed in the kernel to a longer-lived engine, or to `heal`, save what an open intent stands on: for one command's short life. */
  readonly leavesDrift?: boolean
  /** Hears of what nobody asked for and nobody awaits: a listener that throws, a store that is tried again, a defect. */
  readonly onProblem?: (problem: unknown) => void
  readonly ports: Ports
  readonly runDir: string
  /** Reads the log again in the background. Default: true. */
  readonly scrub?: boolean
}
