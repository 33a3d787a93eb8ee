import type { ResponseFormat } from '../../src/protocol/chat-completions.ts'
import type { ChatModel } from '../model/chat-model.ts'
import { GrammarCompiler, type HeldGrammar } from './compiler.ts'
import { vocabularyOf } from './vocabulary.ts'

/** The grammars of a worker's models; what makes a model's is there when it is first asked for. */
export class Grammars {
  readonly #compilers = new WeakMap<ChatModel, Promise<GrammarCompiler>>()

  /**
   * What the answer to a request may be, to be disposed of with the request; `null` for text.
   * @throws ApiError `json_schema_unsupported` with the path in the request; `overloaded`
   */
  async of(model: ChatModel, format: ResponseFormat | undefined): Promise<HeldGrammar | null> {
    switch (format?.type) {
      case undefined:
      case 'text':
        return null
      case 'json_object':
        return await (await this.#compilerOf(model)).compile('{"type":"object"}')
      case 'json_schema':
        return await (await this.#compilerOf(model)).compile(JSON.stringify(format.json_schema.schema))
    }
  }

  #compilerOf(model: ChatModel): Promise<GrammarCompiler> {
    const known = this.#compilers.get(model)
    if (known) return known
    const vocabulary = vocabularyOf(model.tokenizer, model.stopIds)
    const compiler = vocabulary.then(tokens => new GrammarCompiler(tokens))
    this.#compilers.set(model, compiler)
    return compiler
  }
}
