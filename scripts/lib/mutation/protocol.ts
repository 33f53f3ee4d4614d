/** What the script and its workers say to each other. */

/** A test file with all that it imports of the project, in one script. */
export type Bundle = {
  /** Packages and parts of Node. */
  readonly externals: readonly string[]
  /** The test file itself. */
  readonly file: string
  readonly path: string
}

/** Which switches were asked, and how often in all. */
export type Reached = { readonly calls: number; readonly hits: readonly number[] }

/** A file's tests without a mutant: what each reaches, and what is reached while the file is loaded. */
export type Recorded = {
  readonly cases: readonly (Reached & { readonly ms: number; readonly name: string })[]
  readonly loaded: Reached
}

/** Tests of one file to be run. */
export type Run = {
  readonly bundle: Bundle
  readonly cases: readonly { readonly calls: number; readonly index: number; readonly ms: number }[]
  readonly loadCalls: number
}

export type Asked = { readonly bundle: Bundle } | { readonly mutant: number; readonly runs: readonly Run[] }

/** Which test failed, by its file and place in it; -1: the file could not even be loaded. None: the mutant survives. */
export type Answer = {
  /** Something may still run that would be taken for the next mutant's. */
  readonly isDirty?: boolean
  readonly killer?: readonly [file: string, index: number]
}
