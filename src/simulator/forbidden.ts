/**
 * Globals that an engine must not touch: clocks, chance and timers other than its ports'. Lint sees what is written; this sees what
 * is called, an operator of rxjs without a scheduler too. While a world runs, those globals ask at each call who calls: engine code
 * is refused, with the port to take instead, and everybody else gets what he asked for. When no world runs they are the process's own.
 *
 * Who calls is the nearest frame of the stack that is not Node's or a dependency's. Only such a call costs anything.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { sep } from 'node:path'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Engine code called what it must not: a mistake of ours. */
export class ForbiddenGlobalError extends Error {
  override readonly name = 'ForbiddenGlobalError'
  /** What was called: `Date.now`. */
  readonly global: string
  /** What to take instead: `ports.clock.nowMs`. */
  readonly port: string

  constructor(global: string, port: string, caller: string) {
    super(`chronet defect: ${global} is called at ${caller}, where only ports may be asked: take ${port}`)
    this.global = global
    this.port = port
  }
}

/** Which files must not, besides the engine's: a service's that takes all from `world.ports`, say. */
export type AlsoForbidden = (file: string) => boolean

/** Keeps files from globals while it is on. */
export class Guard {
  readonly #also: AlsoForbidden
  /** Runs that are under way. */
  #depth = 0
  readonly #onBreach: (error: ForbiddenGlobalError) => void

  /** @param onBreach hears of each: whoever is refused may swallow it */
  constructor(onBreach: (error: ForbiddenGlobalError) => void, also: AlsoForbidden = () => false) {
    this.#also = also
    this.#onBreach = onBreach
  }

  on(): void {
    if (this.#depth++ > 0) return
    if (guards.size === 0) for (const swap of globals) swap.install()
    guards.add(this)
    installInModules()
  }

  off(): void {
    if (--this.#depth > 0) return
    guards.delete(this)
    if (guards.size === 0) for (const swap of globals) swap.restore()
  }

  forbids(file: string): boolean {
    return isEngine(file) || this.#also(file)
  }

  tell(error: ForbiddenGlobalError): void {
    this.#onBreach(error)
  }
}

/** Of worlds that run; globals are the process's, so they share them. */
const guards = new Set<Guard>()

/** @throws {ForbiddenGlobalError} the nearest caller must not */
function ask(name: string, port: string): void {
  const site = guards.size === 0 ? undefined : callSites().find((each) => isSomebody(fileOf(each)))
  if (site === undefined) return
  const file = fileOf(site)
  const asked = [...guards].filter((guard) => guard.forbids(file))
  if (asked.length === 0) return
  const where = file.startsWith(ROOT) ? file.slice(ROOT.length) : file
  const error = new ForbiddenGlobalError(name, port, `${where}:${site.getLineNumber() ?? 0}`)
  for (const guard of asked) guard.tell(error)
  throw error
}

// ---------------------------------------------------------------- who calls

/** Deep enough for what a pipeline of rxjs puts between an operator and its timer. */
const FRAMES_MAX = 60

function callSites(): readonly NodeJS.CallSite[] {
  const { stackTraceLimit } = Error
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  Error.prepareStackTrace = (_error, sites) => sites
  Error.stackTraceLimit = FRAMES_MAX
  try {
    const holder: { stack?: unknown } = {}
    Error.captureStackTrace(holder, callSites)
    return holder.stack as readonly NodeJS.CallSite[]
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace')
    else Object.defineProperty(Error, 'prepareStackTrace', before)
  }
}

/** A path; empty: none. */
function fileOf(site: NodeJS.CallSite): string {
  const name = site.getFileName() ?? ''
  return name.startsWith('file:') ? fileURLToPath(name) : name
}

const THIS = fileURLToPath(import.meta.url)
/** Of the sources, or of what was built from them. The command's own bundle lies in `bin`, with nobody else's code in it. */
const ROOT = fileURLToPath(new URL(THIS.includes(`${sep}bin${sep}`) ? './' : '../../', import.meta.url))

/** What passes a call on for somebody else: those whom the engine calls, and who call a global for it. */
const DEPENDENCY = /[\\/]node_modules[\\/](?:abstract-level|level|rxjs|uuid|xstate)[\\/]/
const isSomebody = (file: string): boolean =>
  file !== '' && file !== THIS && !file.startsWith('node:') && !DEPENDENCY.test(file)

/** Rooms that live in a world. What stands behind a port of a real machine does not, and tests are a user's. */
const ENGINE =
  /^(?:(?:events|machines|projections)\/|src\/(?:cluster|controller|drivers|engine|ipam|operations|reconcile|simulator)\/|src\/kernel\/(?!linux\/)|[^/]+\.js$)/
const isEngine = (file: string): boolean =>
  file.startsWith(ROOT) && ENGINE.test(file.slice(ROOT.length).replaceAll(sep, '/'))

// ---------------------------------------------------------------- what is called

const [NOW, SPENT] = ['ports.clock.nowMs', 'ports.clock.monotonicMs']
const [WAIT, TURN] = ['ports.timers.scheduler', 'ports.timers.afterTurn']
const IDS = 'ports.ids, or what follows from the id of the command'

/** A function that asks first, and is the same in all else. */
const asking = <T extends object>(target: T, name: string, port: string): T =>
  new Proxy(target, {
    apply: (call, self, args: readonly unknown[]) => {
      ask(name, port)
      return Reflect.apply(call as (...given: readonly unknown[]) => unknown, self, args)
    },
  })

/** A date of a given time is arithmetic; one of none is a clock. */
const askingDate = (date: DateConstructor): DateConstructor =>
  new Proxy(asking(date, 'Date()', NOW), {
    construct: (target, args: readonly unknown[], newTarget) => {
      if (args.length === 0) ask('new Date()', NOW)
      return Reflect.construct(target, args, newTarget) as object
    },
  })

type Make = (target: never) => object

/** A property of an object, in its other make while it is installed. Whatever stands there then is kept, a test runner's fake too. */
class Swap {
  #before: unknown
  #made: object | undefined
  readonly #make: Make
  readonly #of: Record<string, unknown>
  readonly #prop: string

  constructor(of: object, prop: string, make: Make) {
    this.#of = of as Record<string, unknown>
    this.#prop = prop
    this.#make = make
  }

  install(): void {
    const now = this.#of[this.#prop]
    if (this.#made === undefined || now !== this.#before) this.#made = this.#make(now as never)
    this.#before = now
    this.#of[this.#prop] = this.#made
  }

  /** What somebody else has put there meanwhile is his to take back. */
  restore(): void {
    if (this.#of[this.#prop] === this.#made) this.#of[this.#prop] = this.#before
  }
}

const swap = (of: object, prefix: string, port: string, ...props: readonly string[]): readonly Swap[] =>
  props.map((prop) => new Swap(of, prop, (target) => asking(target, `${prefix}${prop}`, port)))

const globals: readonly Swap[] = [
  new Swap(globalThis, 'Date', askingDate),
  ...swap(Date, 'Date.', NOW, 'now'),
  ...swap(Object.getPrototypeOf(performance) as object, 'performance.', SPENT, 'now'),
  ...swap(process, 'process.', SPENT, 'hrtime', 'uptime'),
  ...swap(process.hrtime, 'process.hrtime.', SPENT, 'bigint'),
  ...swap(Math, 'Math.', IDS, 'random'),
  ...swap(globalThis, '', WAIT, 'setTimeout', 'setInterval'),
  ...swap(globalThis, '', TURN, 'setImmediate'),
  ...swap(
    Object.getPrototypeOf(globalThis.crypto) as object,
    'crypto.',
    IDS,
    'getRandomValues',
    'randomUUID',
  ),
]

const RANDOM = ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'] as const
let isInModules = false

/**
 * Node's modules are no globals, and to change them and back at each run would cost more than the run: they ask from the first world
 * with a guard on, and pass on at once while none runs.
 */
function installInModules(): void {
  if (isInModules) return
  isInModules = true
  const all = [
    ...swap(crypto, 'crypto.', IDS, ...RANDOM),
    ...swap(timers, 'timers.', WAIT, 'setTimeout', 'setInterval', 'setImmediate'),
    ...swap(timersPromises, 'timers/promises.', WAIT, 'setTimeout', 'setInterval', 'setImmediate'),
  ]
  for (const each of all) each.install()
  syncBuiltinESMExports()
}
