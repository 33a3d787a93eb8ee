/** The command line can't be understood; ends the program with 2 instead of 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
