/** What the steps of the story share: the engine that lives now, the people in its sandboxes, and a stopwatch. */
import { createController, type Controller, type Queries } from '../index.ts'
import type { Place, Stage } from './stage.ts'

/** The endpoints as they were when it was the present. */
type Memory = { readonly rows: readonly (readonly string[])[]; readonly seq: number }

type EndpointView = ReturnType<Controller['queries']['endpoint']>

export class Scene {
  /** What was on the host before anything began. */
  readonly before: readonly string[]
  readonly memories: Memory[] = []
  readonly stage: Stage
  #controller: Controller
  #ms: number | undefined
  readonly #people = new Map<string, Place>()

  private constructor(stage: Stage, controller: Controller, before: readonly string[]) {
    this.stage = stage
    this.before = before
    this.#controller = controller
  }

  static async open(stage: Stage): Promise<Scene> {
    const before = stage.inventory()
    const controller = await createController(stage.engine)
    // That the engine started is a commit too; the first step is not to be charged with it.
    for await (const _ of controller.facts({ from: 1 })) break
    return new Scene(stage, controller, before)
  }

  get controller(): Controller {
    return this.#controller
  }

  /** Another engine on the same log, after the one before it ended. */
  readonly reopen = async (): Promise<this> => {
    this.#controller = await createController(this.stage.engine)
    return this
  }

  /** Closes all that is open, so that only what was forgotten is left. */
  async end(): Promise<void> {
    await this.#controller.close()
    this.stage.closeOutside()
  }

  /** Puts somebody into each sandbox. */
  readonly enter = async (...names: readonly string[]): Promise<void> => {
    const entering = names.map(async (name) => {
      this.#people.set(name, await this.stage.enter(this.#controller.sandbox(name).key))
    })
    await Promise.all(entering)
  }

  readonly place = (name: string): Place => {
    const place = this.#people.get(name)
    if (place === undefined) throw new Error(`nobody is in sandbox ${name}`)
    return place
  }

  /** The one endpoint of a sandbox. */
  readonly endpointOf = (name: string): EndpointView => {
    const [endpoint] = this.#controller.sandbox(name).endpoints()
    if (endpoint === undefined) throw new Error(`sandbox ${name} is on no network`)
    return endpoint.info
  }

  /** Writes down what is, to compare it with what the log will say of this moment. */
  remember(): void {
    const { queries } = this.#controller
    this.memories.push({ rows: endpointRows(queries), seq: queries.seq })
  }

  /** Adds to the time of the step. */
  readonly time = (ms: number): void => {
    this.#ms = (this.#ms ?? 0) + ms
  }

  readonly timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await work()
    this.time(performance.now() - start)
    return result
  }

  /** The time of the step, and the watch starts anew. */
  takeMs(): number | undefined {
    const ms = this.#ms
    this.#ms = undefined
    return ms
  }
}

/** A row for each endpoint, as the log has it at that time. */
export const endpointRows = (queries: Queries): readonly (readonly string[])[] =>
  queries
    .endpoints()
    .map(({ addresses, ifName = '', network, sandbox, since, state }) => [
      queries.network(network).name,
      sandbox === undefined ? '' : queries.sandbox(sandbox).name,
      ifName,
      addresses.join(', '),
      state,
      since.slice(11, 23),
    ])
