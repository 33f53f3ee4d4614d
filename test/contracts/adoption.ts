/** Claims about namespaces that somebody else made: how they are found, taken, and given back. */
import { describe, expect, it } from 'vitest'
import type { NetnsSpec } from '../../events/index.ts'
import { ALL, type Bench, changes, ENDPOINT, equal, failureOf } from './bench.ts'
import { ensure, ifName, netns, remove, sandboxId, vethName } from './universe.ts'

/** Part of the kernel contract. */
export function adoptionClaims({ apply, look, machine, make }: Bench): void {
  /** A namespace of somebody else, and the spec that takes it. */
  const theirs = async (): Promise<{ readonly path: string; readonly spec: NetnsSpec }> => {
    const { human, kernel } = machine()
    const path = await human.makeNamespace()
    const cookie = await kernel.cookieAt(path)
    if (cookie === undefined) throw new Error(`no namespace is seen at ${path}`)
    const { bootId } = kernel.identity
    return {
      path,
      spec: { adopts: { bootId, cookie, path }, kind: 'netns', sandbox: sandboxId(ENDPOINT.sandbox) },
    }
  }
  /** All that an endpoint needs, its sandbox on that namespace. */
  const on = (spec: NetnsSpec) => ALL.map((each) => (each.kind === 'netns' ? spec : each))

  describe('a namespace that somebody else made', () => {
    it('is known by its cookie, and nothing is where there is none', async () => {
      const { human, kernel } = machine()
      const [one, other] = [await human.makeNamespace(), await human.makeNamespace()]
      const cookies = [await kernel.cookieAt(one), await kernel.cookieAt(other), await kernel.cookieAt(one)]
      expect(cookies[0]).toMatch(/^\d+$/)
      expect(cookies[2]).toBe(cookies[0])
      expect(cookies[1]).not.toBe(cookies[0])
      expect(cookies).not.toContain(kernel.identity.cookie)
      expect(await kernel.cookieAt('/nowhere/at/all')).toBeUndefined()
      await human.endNamespace(one)
      await human.endNamespace(other)
    })

    it('is taken as it is, with its loopback up, and interfaces come into it', async () => {
      const { path, spec } = await theirs()
      await make(...on(spec))
      expect(await look(...on(spec))).toEqual(equal(on(spec)))
      expect(await machine().human.linksAt(path)).toEqual({
        names: [ifName(ENDPOINT.network), 'lo'].sort(),
        up: true,
      })
      expect(changes(await apply(...on(spec).map(ensure)))).toEqual([])
      await machine().reopen()
      expect(changes(await apply(...on(spec).map(ensure)))).toEqual([])
      await apply(remove(spec))
      await machine().human.endNamespace(path)
    })

    it('stays when it is given back, and another can take it', async () => {
      const { path, spec } = await theirs()
      await make(...on(spec))
      const links = on(spec).filter(({ kind }) => kind === 'veth')
      await apply(...links.map(remove), remove(spec))
      expect(await look(spec)).toEqual(['absent'])
      expect(await machine().human.linksAt(path)).toEqual({ names: ['lo'], up: true })
      expect(await machine().human.linkExists('host', vethName(ENDPOINT.n))).toBe(false)
      await make({ ...spec, sandbox: sandboxId(9) })
      await apply(remove({ ...spec, sandbox: sandboxId(9) }))
      await machine().human.endNamespace(path)
    })

    it('is not taken if another is at its place, or another boot has made it', async () => {
      const { path, spec } = await theirs()
      const { cookie, ...rest } = spec.adopts ?? { bootId: '', cookie: '', path }
      const strange = [
        { ...spec, adopts: { ...rest, cookie: `${cookie}1` } },
        { ...spec, adopts: { ...rest, bootId: 'another', cookie } },
        { ...spec, adopts: { ...rest, cookie, path: '/nowhere' } },
      ]
      for (const wrong of strange) {
        const [result] = await apply(ensure(wrong))
        expect(failureOf(result)).toEqual({ class: 'retry', code: 'ESTALE' })
        expect(await look(wrong)).toEqual(['absent'])
      }
      await machine().human.endNamespace(path)
    })

    it('is told from one that is mounted in its place', async () => {
      const { path, spec } = await theirs()
      await make(netns(ENDPOINT.sandbox))
      expect(await look(spec)).toEqual([['adopts']])
      expect(failureOf((await apply(ensure(spec)))[0])).toEqual({ class: 'retry', code: 'ESTALE' })
      await apply(remove(spec))
      await machine().human.endNamespace(path)
    })
  })
}
