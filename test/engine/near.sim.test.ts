/** What is wanted near a place is found without a look at all that is wanted. */
import { expect, it } from 'vitest'
import type { Origin } from '../../events/index.ts'
import { builtinDrivers } from '../../src/drivers/index.ts'
import { contextOf } from '../../src/engine/context.ts'
import { ViewFold } from '../../src/engine/view.ts'
import { specsWithin } from '../../src/reconcile/near.ts'
import { EVERYWHERE, placesOf, within } from '../../src/reconcile/scope.ts'
import { specsOf } from '../../src/reconcile/specs.ts'
import { commitsOf } from './invariants.ts'
import { Lab } from './lab.ts'

const namesOf = (specs: ReadonlyMap<string, unknown>): readonly string[] => [...specs.keys()].sort()

it('finds near each place what a look at everything finds there', async () => {
  const lab = new Lab()
  const controller = await lab.open()
  for (const n of [1, 2])
    await lab.do(controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n}.0.0/24` } }))
  for (const name of ['a', 'b', 'c']) await lab.do(controller.newSandbox(name))
  await lab.all([controller.connect('net1', 'a'), controller.connect('net1', 'b')])
  await lab.all([controller.connect('net2', 'b'), controller.connect('net2', 'c')])
  await lab.do(controller.disconnect('net2', 'c'))

  const fold = new ViewFold()
  fold.add(await commitsOf(lab, controller))
  const all = fold.view().projections
  const origin = controller.id as Origin
  const context = contextOf(builtinDrivers, lab.ports.hash, origin)
  const wanted = specsOf(all.desired, context)
  const places = new Set([...wanted.values()].flatMap(placesOf))
  // Three namespaces' places, two bridges', four links', the host's and the firewall's, one way or another.
  expect(places.size).toBeGreaterThan(12)
  for (const place of [...places, 'link eth7', 'nowhere']) {
    const scope = { all: false, places: new Set([place]) }
    expect(namesOf(specsWithin(all, scope, context)), place).toEqual(namesOf(within(scope, wanted)))
  }
  const several = { all: false, places: new Set([...places].filter((_, i) => i % 3 === 0)) }
  expect(namesOf(specsWithin(all, several, context))).toEqual(namesOf(within(several, wanted)))
  expect(namesOf(specsWithin(all, EVERYWHERE, context))).toEqual(namesOf(wanted))
  await lab.do(controller.close())
})
