/** chronet: networks, endpoints and sandboxes that remember. */
export { createController, Controller } from './controller/controller.ts'
export type { ControllerOptions, HealOptions } from './controller/controller-options.ts'
export type { NetworkOptions, SandboxOptions } from './controller/made-with.ts'
export type { EntityActor } from './controller/actor.ts'
export type { ClusterOptions } from './controller/cluster-options.ts'
export { Endpoint, Network, Sandbox } from './controller/objects.ts'
export type { ConnectOptions, EndpointOptions, JoinOptions } from './controller/objects.ts'
export type { Facts, FactsOptions, LoggedFact } from './controller/facts.ts'
export type { Moment } from './controller/moment.ts'
export { Past, Queries } from './controller/queries.ts'
export type { Walker } from './controller/queries.ts'
export { serveEngine } from './server/server.ts'
export type { Served } from './server/server.ts'
export { connectEngine } from './server/client.ts'
export type { RemoteOperations } from './server/remote.ts'
export type { Greeting } from './server/protocol.ts'
export type {
  Differences,
  Done,
  Given,
  Healed,
  Interruption,
  Known,
  OpenPlan,
  Operations,
  Picture,
  Place,
  Preview,
  Range,
  Status,
  Subject,
  Trace,
} from './operations/operations.ts'
export type { Verified } from './engine/verify-log.ts'
export type { Answer } from './engine/answers.ts'
export type { DispatchOptions } from './engine/dispatch.ts'
export type { Recovered } from './engine/recover.ts'
export type { Clock, Disk, Hash, Ids, Ports, Store, Timers } from './ports.ts'
export type {
  Bus,
  BusMessage,
  BusOptions,
  BusServer,
  OpenBus,
  Outgoing,
  Published,
  StreamOptions,
  StreamState,
} from './bus/bus.ts'
export type { Happened } from './cluster/arrivals.ts'
export type { HistoryRange } from './cluster/follow-all.ts'
export type { ClusterNetwork } from './cluster/claims/shared.ts'
export type { ClaimedHost, ClaimsReport, ClaimState, ClaimView } from './cluster/claims/report.ts'
export type { PeerRecord } from './cluster/peer-logs.ts'
export type { PeerRange } from './cluster/resting.ts'
export type { ClusterState, ClusterStatus, PeerStatus } from './cluster/status.ts'
export type { Kernel, KernelOptions } from './kernel/kernel.ts'
export { EngineError, RefusedError } from '../events/index.ts'
export type {
  ClientCommand,
  CommandId,
  Expectation,
  FactType,
  Problem,
  Stream,
  SubnetRequest,
} from '../events/index.ts'
export type { EndpointView, NetworkView, SandboxView } from '../projections/index.ts'
export type { Settled } from './engine/waiters.ts'
export { systemPorts } from './system/ports.ts'
