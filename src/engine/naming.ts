/** Refusals call holders by the names that people gave them, beside the ids that programs use. */
import type { Problem } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import type { Topology } from '../../projections/index.ts'

/** The same refusal with `endpoint c637c65b29f9` turned into `endpoint a-web (sandbox a)`; anything else as it was. */
export function withNames(error: unknown, topology: Topology): unknown {
  if (!(error instanceof RefusedError)) return error
  const [first, ...rest] = error.problems.map((problem) => nameHolder(problem, topology))
  return first === undefined ? error : new RefusedError([first, ...rest])
}

function nameHolder(problem: Problem, topology: Topology): Problem {
  const { holder, holders = [] } = problem
  let { message } = problem
  for (const id of holder === undefined ? holders : [holder, ...holders]) {
    message = message.replaceAll(id.slice(0, 12), () => nameOf(id, topology) ?? id.slice(0, 12))
    // Where it is may stand beside it.
    const { sandbox } = topology.endpoints.get(id) ?? {}
    if (sandbox !== undefined)
      message = message.replaceAll(
        sandbox.slice(0, 12),
        () => nameOf(sandbox, topology) ?? sandbox.slice(0, 12),
      )
  }
  return { ...problem, message }
}

function nameOf(id: string, { endpoints, networks, sandboxes }: Topology): string | undefined {
  const endpoint = endpoints.get(id)
  if (endpoint === undefined) return networks.get(id)?.name ?? sandboxes.get(id)?.name
  const sandbox = endpoint.sandbox && sandboxes.get(endpoint.sandbox)
  return sandbox ? `${endpoint.name} (sandbox ${sandbox.name})` : endpoint.name
}
