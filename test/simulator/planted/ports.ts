/** Bugs beneath the engine: a store and a kernel that do not do what they say, as a port that was written badly would not. */
import { asyncScheduler } from 'rxjs'
import { keyOf, type Origin, type ResourceKey, type Step } from '../../../events/index.ts'
import type { StepResult } from '../../../src/kernel/kernel.ts'
import { groupOf, sweptGroupOf, tableName } from '../../../src/reconcile/marks.ts'
import type { KernelWorld } from '../../../src/kernel/simulated/world.ts'
import type { Host } from '../../../src/simulator/host.ts'
import { sha256 } from '../../../src/system/hash.ts'
import { inKernel, type Bug } from './bug.ts'

const done = ({ key }: Step): StepResult => ({ changed: true, key, ok: true })
const existing = (key: ResourceKey): StepResult => ({
  failure: { class: 'conflict', code: 'EEXIST', key, message: `ensure ${key}: it exists (EEXIST)` },
  key,
  ok: false,
})
/** From the birth of a link to the message that marks it, in milliseconds, unless a step comes first. */
const MARK_MS = 15
const isLink = ({ spec: { kind } }: Step): boolean => kind === 'bridge' || kind === 'veth'

export const storeBugs: readonly Bug[] = [
  {
    foundBy: ['L3'],
    means: 'Writes are not synced.',
    name: 'sync-skipped',
    plant: ({ disk: { platter } }) => {
      const write = platter.write.bind(platter)
      platter.write = (ops) => write(ops, false)
    },
  },
  {
    foundBy: ['L1', 'L5', 'L11'],
    means: 'What finds a command by its id is not looked up.',
    name: 'dedupe-forgotten',
    plant: ({ disk: { platter } }) => {
      const read = platter.read.bind(platter)
      platter.read = (key) => (key.startsWith('i') ? undefined : read(key))
    },
  },
  {
    foundBy: ['L1', 'L2', 'V1'],
    means: 'A torn group is read as if it were whole: hashes are not compared.',
    name: 'torn-group-accepted',
    plant: ({ disk: { platter } }) => {
      const seen = platter.seen.bind(platter)
      platter.seen = (key, value) => {
        const row = seen(key, value)
        return key.startsWith('c') ? sha256(row.slice(64)) + row.slice(64) : row
      }
    },
  },
]

/** Every step takes so much longer, however long that is at the time. */
function slowdown(world: KernelWorld, byMs: () => number): void {
  let { latencyMs } = world
  Object.defineProperty(world, 'latencyMs', {
    get: () => {
      const usual = latencyMs
      return (step: Step) => usual(step) + byMs()
    },
    set: (to: KernelWorld['latencyMs']) => (latencyMs = to),
  })
}

/** All of a group, whoever's it is. */
function deleteGroup(host: Host): void {
  const swept = sweptGroupOf(groupOf(sha256, host.origin as Origin))
  const all = host.kernel.links().filter(({ group, stranger }) => stranger && group === swept)
  for (const { name } of all) host.person.deleteLink(name)
}

export const kernelBugs: readonly Bug[] = [
  {
    foundBy: ['K6'],
    means: 'A step has its receipt before it has its effect.',
    name: 'receipt-before-effect',
    plant: inKernel((kernel, { life, world }) => ({
      apply: async (steps) => {
        world.time.at(20, () => void kernel.apply(steps), life)
        return steps.map(done)
      },
    })),
  },
  {
    foundBy: ['K6'],
    means: 'What the kernel refused is taken for done.',
    name: 'refusal-swallowed',
    plant: inKernel((kernel) => ({
      apply: async (steps) => {
        const results = await kernel.apply(steps)
        return results.map((result) => (result.ok ? result : { changed: true, key: result.key, ok: true }))
      },
    })),
  },
  {
    foundBy: ['K2', 'V5'],
    means: 'A link is marked by a second message, as with an alias, and not at its birth.',
    name: 'mark-after-birth',
    plant: (host, { time }) => {
      const { world } = host.kernel
      const { afterStep, beforeStep } = world.hooks
      let mark: (() => void) | undefined
      slowdown(world, () => (mark ? MARK_MS : 0))
      world.hooks.afterStep = (step, nth, result) => {
        const isBorn = step.op === 'ensure' && result.ok && result.changed && isLink(step)
        const link = isBorn ? world.host.named.get(keyOf(step.spec).split('/').at(-1) ?? '') : undefined
        if (link) {
          const [{ group }, { life }] = [link, host]
          link.group = 0
          // Whoever dies before has marked nothing.
          mark = () => {
            if (!life.isDead) link.group = group
          }
          time.at(MARK_MS, mark)
        }
        afterStep?.(step, nth, result)
      }
      world.hooks.beforeStep = (step, nth) => {
        beforeStep?.(step, nth)
        mark?.()
        mark = undefined
      }
    },
  },
  {
    foundBy: ['K4', 'V1'],
    means: 'What is there already is refused, where it should be taken as done.',
    name: 'done-already-refused',
    plant: inKernel((kernel) => ({
      apply: async (steps) => {
        const results = await kernel.apply(steps)
        return results.map((result, nth) =>
          result.ok && !result.changed && steps[nth]?.op === 'ensure' ? existing(result.key) : result,
        )
      },
    })),
  },
  {
    foundBy: ['K3'],
    means: 'A sweep deletes all of the group, strangers with the same number too.',
    name: 'strangers-swept',
    plant: inKernel((kernel, { host }) => ({
      apply: async (steps) => {
        const results = await kernel.apply(steps)
        if (steps.some((step) => step.op === 'remove' && isLink(step))) deleteGroup(host)
        return results
      },
    })),
  },
  {
    // K4: to make what is there already changes what others have.
    foundBy: ['K3', 'K4'],
    means: 'To write its own table the engine flushes the whole ruleset.',
    name: 'ruleset-flushed',
    plant: inKernel((kernel, { host }) => ({
      apply: (steps) => {
        const { tables } = host.kernel.world.host
        const writes = steps.some(({ op, spec }) => op === 'ensure' && spec.kind === 'firewall-network')
        for (const name of writes ? [...tables.keys()] : [])
          if (name !== tableName(host.origin as Origin)) tables.delete(name)
        return kernel.apply(steps)
      },
    })),
  },
  {
    // K1: what lies there unseen is in the way of what is wanted.
    foundBy: ['K1', 'K2'],
    means: 'A start does not look for what bears our mark and is wanted by nobody.',
    name: 'orphans-unseen',
    plant: inKernel((kernel) => ({
      observe: async (specs) => ({ ...(await kernel.observe(specs)), strays: [] }),
    })),
  },
  {
    foundBy: ['K10'],
    means: 'What is as it should be is read as if it differed, and healed for ever.',
    name: 'equal-read-as-different',
    plant: inKernel((kernel) => ({
      observe: async (specs, how) => {
        const { found, strays } = await kernel.observe(specs, how)
        const misread = [...found].map(([key, there]) =>
          there.spec.kind === 'firewall'
            ? ([key, { ...there, spec: { ...there.spec, differs: ['chain forward'] } }] as const)
            : ([key, there] as const),
        )
        return { found: new Map(misread), strays }
      },
    })),
  },
  {
    foundBy: ['D2'],
    means:
      'The engine waits by a timer of the process, as an operator of rxjs does that is given no scheduler.',
    name: 'timer-of-the-process',
    plant: (host) => {
      host.onPorts = (ports) => ({ ...ports, timers: { ...ports.timers, scheduler: asyncScheduler } })
    },
  },
  {
    foundBy: ['V3'],
    means: 'A timer outlives its engine.',
    name: 'timer-left',
    plant: (host) => {
      host.onPorts = (ports) => ({
        ...ports,
        openDisk: (where) => {
          ports.timers.scheduler.schedule(() => undefined, 24 * 3_600_000)
          return ports.openDisk(where)
        },
      })
    },
  },
]
