/** What a controller says there is, as plain data: to be compared with the kernel, here or in another process. */
import type { Controller } from '../../src/index.ts'
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'

export type Said = {
  readonly endpoints: readonly EndpointView[]
  readonly networks: readonly NetworkView[]
  readonly origin: string
  readonly sandboxes: readonly SandboxView[]
}

export const said = ({ id, queries }: Controller): Said => ({
  endpoints: queries.endpoints(),
  networks: queries.networks(),
  origin: id,
  sandboxes: queries.sandboxes(),
})
