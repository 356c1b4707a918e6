const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.markdown': 'text/markdown',
  '.html': 'text/html',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.zip': 'application/zip',
  '.bin': 'application/octet-stream',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
};

/** The media type of files whose name ends so, such as `.pdf`. */
export function contentTypeOf(extension: string): string | undefined {
  return BY_EXTENSION[extension.toLowerCase()];
}

/** How the names of files of a media type end, such as `.pdf`. */
export function extensionOf(type: string): string | undefined {
  return Object.keys(BY_EXTENSION).find((extension) => BY_EXTENSION[extension] === type);
}
