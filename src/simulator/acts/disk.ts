/** Disks that fail: writes, space, syncs, rows that are lost or read otherwise, backups that are put back. */
import { act, MINUTE, type Scene } from './act.ts'

/** Somebody notices, repairs it from a good copy, and starts the engine again. */
const mendLater = ({ host, later, revive }: Scene, ms: number): void =>
  later(ms, () => {
    host.disk.heal()
    host.crash()
    revive(host, 100)
  })

/** Commits whose damage cannot be taken for a torn end, since whole ones follow. */
const early = (head: number): number => head - 8

export const diskActs = {
  'disk.fail': act<{ readonly fault: 'landed' | 'lost' }>({
    draw: (chance) => ({ fault: chance.pick(['landed', 'lost']) }),
    everyMs: 2 * MINUTE,
    perform: ({ host }, { fault }) => host.disk.failNextWrite(fault),
  }),
  'disk.full': act<{ readonly forMs: number }>({
    draw: (chance) => ({ forMs: chance.between(1, 30_000) }),
    everyMs: 5 * MINUTE,
    perform: ({ host }, { forMs }) => host.disk.fill(forMs),
  }),
  /** A commit reads otherwise; whole ones follow it. */
  'disk.garble': act<{ readonly mendMs: number; readonly seq: number }>({
    draw: (chance, { host }) => {
      const last = early(host.disk.head)
      return last < 1 || host.disk.platter.isDamaged
        ? undefined
        : { mendMs: chance.between(1000, 60_000), seq: chance.between(1, last) }
    },
    everyMs: 8 * MINUTE,
    perform: (scene, { mendMs, seq }) => {
      if (early(scene.host.disk.head) < seq) return
      scene.host.disk.garble(seq)
      mendLater(scene, mendMs)
    },
  }),
  /** Commits in the middle are gone. */
  'disk.hole': act<{ readonly count: number; readonly from: number; readonly mendMs: number }>({
    draw: (chance, { host }) => {
      const last = early(host.disk.head)
      if (last < 2 || host.disk.platter.isDamaged) return undefined
      const from = chance.between(1, last - 1)
      const count = Math.min(chance.between(1, 30), last - from)
      return { count, from, mendMs: chance.between(1000, 60_000) }
    },
    everyMs: 8 * MINUTE,
    perform: (scene, { count, from, mendMs }) => {
      if (early(scene.host.disk.head) < from + count) return
      scene.host.disk.punchHole(from, count)
      mendLater(scene, mendMs)
    },
  }),
  /** A sync that says it is done and is not. */
  'disk.lie': act<object>({
    draw: () => ({}),
    everyMs: 2 * MINUTE,
    perform: ({ host }) => host.disk.failNextWrite('lie'),
  }),
  'disk.misread': act<{ readonly mendMs: number }>({
    draw: (chance) => ({ mendMs: chance.between(1000, 60_000) }),
    everyMs: 8 * MINUTE,
    perform: (scene, { mendMs }) => {
      scene.host.disk.misread()
      mendLater(scene, mendMs)
    },
  }),
  /** A copy is taken, and put back under running sandboxes; then the engine is told to accept it, or the newer log comes back. */
  'disk.restore': act<{ readonly accepts: boolean; readonly afterMs: number; readonly decideMs: number }>({
    draw: (chance) => ({
      accepts: chance.oneIn(2),
      afterMs: chance.between(1000, MINUTE),
      decideMs: chance.between(1000, 20_000),
    }),
    everyMs: 5 * MINUTE,
    perform: ({ excuses, host, later, revive }, { accepts, afterMs, decideMs }) => {
      if (host.disk.platter.isDamaged) return
      const old = host.disk.backup()
      later(afterMs, () => {
        if (host.disk.platter.isDamaged) return
        host.crash()
        const newer = host.disk.backup()
        excuses.set(host, 'a backup was restored')
        host.disk.restore(old)
        revive(host, 100)
        later(decideMs, () => {
          const isRefused = host.isUp && host.controller.blocked !== undefined
          if (!isRefused) return
          host.crash()
          if (!accepts) host.disk.restore(newer)
          revive(host, 100, { acceptLogBehind: accepts })
        })
      })
    },
  }),
  'disk.slow': act<{ readonly forMs: number; readonly syncMs: number }>({
    draw: (chance) => ({ forMs: chance.between(100, 30_000), syncMs: chance.pick([10, 50, 300, 3000]) }),
    everyMs: 3 * MINUTE,
    perform: ({ host }, { forMs, syncMs }) => host.disk.slow(syncMs, forMs),
  }),
}
