import { ERRORS, type ErrorInfo } from '../src/contracts/errors.ts';

const INTRODUCTION = `# Error codes

Every error the outside can see has one of these codes: in a job's \`error.code\`, as the type of its workflow's failure, in the search attribute
\`PlaybookErrorCode\`, as \`code\` of a thrown \`PlaybookError\`, and on the command's stderr. Codes are never renamed. The message says which value is
concerned. _Repeatable_: the very same thing may succeed later without anybody changing anything; inside a job that happens by itself.

Written by \`npm run docs\` from \`src/contracts/errors.ts\`.`;

/** `docs/errors.md`, from the registry. */
export function errorsPage(): string {
  const sections = Object.entries<ErrorInfo>(ERRORS).map(
    ([code, { retryable, meaning, action }]) =>
      `## ${code}\n\n${meaning}${retryable ? ' _Repeatable._' : ''}\n\n**What to do:** ${action}`,
  );
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}
