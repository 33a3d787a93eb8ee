/** Parameters as a form. */

/**
 * `multipart/form-data`: lists of plain values as OpenAI's clients write them (`name[]`, once a value), everything else
 * that isn't plain as JSON. What is undefined is left out.
 */
export function toForm(fields: Readonly<Record<string, unknown>>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue
    if (!Array.isArray(value))
      form.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
    else if (value.some(each => typeof each === 'object')) form.append(name, JSON.stringify(value))
    else for (const each of value) form.append(`${name}[]`, String(each))
  }
  return form
}

/** A form as bytes: the same each time it is sent, where a boundary would else be drawn at random each time. */
export async function encodeForm(
  form: FormData,
): Promise<{ body: Uint8Array<ArrayBuffer>; headers: { 'content-type': string } }> {
  const encoded = new Response(form)
  const type = encoded.headers.get('content-type')!
  return { body: new Uint8Array(await encoded.arrayBuffer()), headers: { 'content-type': type } }
}
