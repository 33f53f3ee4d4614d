/** `chronet why`: a thing's past, each step with the command and the person it came from. */
import type { AnyFact, Commit, PlanId } from '../../events/index.ts'
import { Names } from '../operations/names.ts'
import type { Picture, Subject, Trace } from '../operations/operations.ts'
import { endpointIn, thingsIn } from '../operations/picture.ts'
import { isOf } from '../operations/steps.ts'
import { clock } from '../operations/words.ts'
import type { Leaf } from './leaf.ts'
import { asked, sentence, who } from './sentences.ts'
import type { Session } from './session.ts'
import { lookFor } from './why-hosts.ts'

export const why: Leaf = {
  args: [['<thing>', 'a name, an id, an address, a MAC, or a link: of now or of any time']],
  examples: [
    'chronet why 172.18.0.3',
    'chronet why a-web',
    'chronet why network/web --json',
    'chronet why a-web --host host-b',
  ],
  name: 'why',
  options: [
    { flags: '--host <host>', what: "in another host's log only: its name or id (chronet cluster peers)" },
  ],
  run: async (session, [ref = ''], values) => {
    const { elsewhere, missing, told } = await session.with('read', (operations) =>
      lookFor(operations, ref, values.text('host')),
    )
    for (const { host, picture, trace } of told)
      if (session.json) session.show({ ...(host === undefined ? {} : { host }), ...trace })
      else {
        if (told.length > 1 || host !== undefined)
          session.print(session.paint('dim', host === undefined ? 'on this host' : `on host ${host}`))
        tell(session, ref, trace, picture)
      }
    if (session.json) return undefined
    if (missing !== undefined) session.note(`${missing} made it, and its log is not here`)
    if (elsewhere.length > 0)
      session.note(`something else is so called on ${elsewhere.join(', ')}: 'chronet why ${ref} --host HOST'`)
    return undefined
  },
  summary: 'why a thing is as it is',
  text: 'Its facts, oldest first, each with the command and the person it came from. What no log of ours knows is looked for in those of other hosts. Of a network that another host made, the log of that host is told first, if it is here.',
}

function tell(session: Session, ref: string, trace: Trace, picture: Picture): void {
  const { commits, others, subject } = trace
  const names = new Names(trace.names)
  const nowMs = session.io.nowMs()
  session.print(session.paint('bold', heading(ref, subject, picture)))
  const own = new Ownership(subject)
  for (const commit of commits) {
    names.add(commit)
    const facts = [...commit.facts.entries()].filter(([, fact]) => own.concerns(fact))
    for (const [i, fact] of facts)
      session.print(
        `  ${session.paint('dim', `${`#${commit.seq}.${i + 1}`.padEnd(8)}${clock(commit.at, nowMs)}  ${fact.type.padEnd(26)}`)}${sentence(fact, names, commit.at)}`,
      )
    if (facts.length > 0 && isAsked(commit)) session.print(because(commit, names, session))
    names.forget(commit)
  }
  if (others.length > 0)
    session.note(
      `before it, so called or with that address: ${others.map(({ name, stream }) => `${name} (${stream.slice(0, stream.indexOf('/') + 13)})`).join(', ')}`,
    )
}

function because(commit: Commit<AnyFact>, names: Names, { paint }: Session): string {
  const { actor, reason } = commit
  const why = reason === undefined ? '' : ` · "${reason}"`
  return `          ${paint('dim', 'because')}  ${asked(commit, names)} · ${actor.kind} · ${who(actor)}${why}`
}

const isAsked = ({ actor }: Commit<AnyFact>): boolean => actor.kind !== 'engine' && actor.kind !== 'worker'

/** `172.18.0.3 belongs to endpoint b-web (network web), eth0 in sandbox b`. */
function heading(ref: string, { kind, name, stream }: Subject, picture: Picture): string {
  const here = `${kind} ${name}`
  const [thing] = thingsIn(picture, stream)
  const itself = ref === name || ref === stream || stream.endsWith(`/${ref}`) || ref === `${kind}/${name}`
  if (thing === undefined)
    return itself ? `${here}, which is gone` : `${ref} belonged to ${here}, which is gone`
  const place = kind === 'endpoint' ? placeOf(picture, stream.slice(stream.indexOf('/') + 1)) : ''
  return itself ? `${here}${place}` : `${ref} belongs to ${here}${place}`
}

function placeOf(picture: Picture, id: string): string {
  const { ifName, network, sandbox } = endpointIn(picture, id)
  const net = picture.networks.find((one) => one.id === network)?.name ?? network
  const box = picture.sandboxes.find((one) => one.id === sandbox)?.name
  return ` (network ${net})${box === undefined ? '' : `, ${ifName ?? ''} in sandbox ${box}`}`
}

/** Which facts are about the thing: its own, the receipts of plans that were for it, and drift of what it is made of. */
class Ownership {
  readonly #links = new Set<string>()
  readonly #plans = new Set<PlanId>()
  readonly #subject: Subject

  constructor(subject: Subject) {
    this.#subject = subject
  }

  concerns(fact: AnyFact): boolean {
    const { stream } = this.#subject
    const id = stream.slice(stream.indexOf('/') + 1)
    if (fact.stream === stream) {
      if (fact.type === 'EndpointJoinRequested') this.#links.add(fact.data.link.name)
      if (fact.type === 'NetworkCreateRequested') this.#links.add(fact.data.bridge.name)
      return true
    }
    switch (fact.type) {
      case 'EffectsIntended': {
        const isForIt =
          fact.data.for.includes(stream) ||
          fact.data.steps.some((step) => isOf(step.key, step.spec, id, this.#links))
        if (isForIt) this.#plans.add(fact.data.plan)
        // What was intended is told by its receipt.
        return false
      }
      case 'EffectsSettled':
        return this.#plans.has(fact.data.plan)
      case 'DriftObserved':
        return fact.data.differences.some((d) => isOf(d.key, d.spec, id, this.#links))
      case 'SandboxInterfaceAdded':
      case 'SandboxInterfaceRemoved':
        return fact.data.endpoint === id
      default:
        return false
    }
  }
}
