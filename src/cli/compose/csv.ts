/**
 * Reads comma-separated values (RFC 4180) row by row: fields in double quotes may hold commas, line breaks and doubled quotes.
 * Empty lines are left out.
 */
export async function* csvRows(chunks: AsyncIterable<string>): AsyncGenerator<readonly string[], void> {
  let row: string[] = [];
  let field = '';
  let isQuoted = false;
  let wasQuote = false;
  for await (const chunk of chunks) {
    for (const character of chunk) {
      if (isQuoted && wasQuote) {
        wasQuote = false;
        if (character === '"') {
          field += '"';
          continue;
        }
        isQuoted = false;
      }
      if (isQuoted) {
        if (character === '"') wasQuote = true;
        else field += character;
      } else if (character === '"' && field === '') isQuoted = true;
      else if (character === ',') {
        row.push(field);
        field = '';
      } else if (character === '\n') {
        row.push(field.replace(/\r$/, ''));
        field = '';
        if (row.some((each) => each !== '')) yield row;
        row = [];
      } else field += character;
    }
  }
  row.push(field);
  if (row.some((each) => each !== '')) yield row;
}
