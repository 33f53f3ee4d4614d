/**
 * Words to look for in the texts of commits, which come and go while the log is gone through. One expression for all of them is the
 * quickest to ask.
 */

/** The expression that fits where any of the words stands, as they are. */
export const literally = (words: Iterable<string>): RegExp =>
  new RegExp([...words].map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'))

/** A set of words, each as often as it was added. */
class Bag {
  readonly #words = new Map<string, number>()
  #expression: RegExp | undefined

  add(word: string): void {
    const times = this.#words.get(word) ?? 0
    this.#words.set(word, times + 1)
    if (times === 0) this.#expression = undefined
  }

  delete(word: string): void {
    const times = this.#words.get(word) ?? 0
    if (times > 1) this.#words.set(word, times - 1)
    else if (this.#words.delete(word)) this.#expression = undefined
  }

  isIn(text: string): boolean {
    return this.#words.size > 0 && (this.#expression ??= literally(this.#words.keys())).test(text)
  }
}

const DRIFT = '"type":"DriftObserved"'

export class Words {
  readonly #anywhere = new Bag()
  readonly #inDrift = new Bag()

  constructor(words: Iterable<string>) {
    for (const word of words) this.add(word)
  }

  /** Whether any of them stands in it. */
  readonly fits = (text: string): boolean =>
    this.#anywhere.isIn(text) || (text.includes(DRIFT) && this.#inDrift.isIn(text))

  add(word: string): void {
    this.#anywhere.add(word)
  }

  /** A word that counts only where drift is told of. */
  addDrift(word: string): void {
    this.#inDrift.add(word)
  }

  delete(word: string): void {
    this.#anywhere.delete(word)
  }

  deleteDrift(word: string): void {
    this.#inDrift.delete(word)
  }
}
