/** Processes that die and machines that lose their power, at any port call; and clocks, which do not stand still either. */
import type { Fate } from '../platter.ts'
import { act, MINUTE, type Scene } from './act.ts'

const FATES: readonly Fate[] = ['landed', 'lost', 'torn']

function cutPower({ excuses, host }: Scene, fate: Fate): void {
  if (host.disk.platter.hasLied) excuses.set(host, 'a sync lied, and the power went')
  host.reboot(fate)
}

export const crashActs = {
  'crash.at-call': act<{
    readonly calls: number
    readonly downMs: number
    readonly when: 'after' | 'before'
  }>({
    draw: (chance) => ({
      calls: chance.between(1, chance.pick([5, 60, 400])),
      downMs: chance.pick([0, 100, 5000]),
      when: chance.pick(['after', 'before'] as const),
    }),
    everyMs: 2 * MINUTE,
    perform: ({ host, revive }, { calls, downMs, when }) => {
      host.onDeath = () => revive(host, downMs)
      host.crashAt(calls, when)
    },
  }),
  'crash.close': act<{ readonly downMs: number }>({
    draw: (chance) => ({ downMs: chance.pick([0, 1000, 20_000]) }),
    everyMs: 4 * MINUTE,
    perform: ({ host, revive }, { downMs }) => {
      if (!host.isUp) return
      const again = (): void => revive(host, downMs)
      host.close().then(again, again)
    },
  }),
  /** In the middle of the next write; the power, perhaps, and the machine with it. */
  'crash.in-write': act<{
    readonly afterMs: number
    readonly downMs: number
    readonly fate: Fate
    readonly isPower: boolean
  }>({
    draw: (chance) => ({
      afterMs: chance.pick([0, 0, 1, 2, 5, 12]),
      downMs: chance.pick([0, 100, 5000]),
      fate: chance.pick(FATES),
      isPower: chance.oneIn(3),
    }),
    everyMs: 2 * MINUTE,
    perform: (scene, { afterMs, downMs, fate, isPower }) => {
      const { host, later } = scene
      host.disk.atNextWrite(() => {
        const { life } = host
        const end = (): void => {
          if (life.isDead) return
          if (isPower) cutPower(scene, fate)
          else host.crash(fate)
          scene.revive(host, downMs)
        }
        if (afterMs === 0) end()
        else later(afterMs, end)
      })
    },
  }),
  'crash.kill': act<{ readonly downMs: number; readonly fate: Fate }>({
    draw: (chance) => ({ downMs: chance.pick([0, 100, 5000, 30_000]), fate: chance.pick(FATES) }),
    everyMs: 2 * MINUTE,
    perform: ({ host, revive }, { downMs, fate }) => {
      host.crash(fate)
      revive(host, downMs)
    },
  }),
  'crash.power': act<{ readonly downMs: number; readonly fate: Fate }>({
    draw: (chance) => ({ downMs: chance.pick([100, 5000, 30_000]), fate: chance.pick(FATES) }),
    everyMs: 5 * MINUTE,
    perform: (scene, { downMs, fate }) => {
      cutPower(scene, fate)
      scene.revive(scene.host, downMs)
    },
  }),
}

export const clockActs = {
  'clock.jump': act<{ readonly ms: number }>({
    draw: (chance) => ({ ms: chance.pick([-1, 1]) * chance.pick([1, 1000, MINUTE, 60 * MINUTE]) }),
    everyMs: 3 * MINUTE,
    perform: ({ host }, { ms }) => host.jumpClock(ms),
  }),
  'clock.stall': act<{ readonly ms: number }>({
    draw: (chance) => ({ ms: chance.pick([10, 200, 3000, MINUTE]) }),
    everyMs: 3 * MINUTE,
    perform: ({ host }, { ms }) => host.stall(ms),
  }),
}
