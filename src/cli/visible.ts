/**
 * Text of others as it may stand on a terminal. Labels, reasons and names of people are free, and those of other hosts are not even ours: as
 * they are, they could move the cursor, hide lines, or look like what chronet says.
 */

/** Control characters, and those that turn the direction of writing; our own paint is left (`io.ts`). */
const UNSEEN =
  /\u001b(?!\[(?:0|1|2|31)m)|[\u0000-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A line without them: `\n`, `\u001b`. */
export const visible = (line: string): string =>
  line.replace(
    UNSEEN,
    (character) => SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
