// The blob service: what an account's key signs, what a shared access signature allows, page blobs and what they hold.
import { StorageManagementClient } from "@azure/arm-storage";
import { ResourceManagementClient } from "@azure/arm-resources";
import { BlobServiceClient, ContainerClient, BlobClient, StorageSharedKeyCredential, generateBlobSASQueryParameters,
  generateAccountSASQueryParameters, BlobSASPermissions, ContainerSASPermissions, AccountSASPermissions,
  AccountSASResourceTypes, AccountSASServices, SASProtocol } from "@azure/storage-blob";
import { ComputeManagementClient } from "@azure/arm-compute";
import { all, arm, check, client, poll, prefix, S } from "./lib.mjs";

const storage = client(StorageManagementClient), groups = client(ResourceManagementClient).resourceGroups;
const rg = `${prefix}-blob`, name = `${prefix}blobs`, location = "eastus", once = { retryOptions: { maxTries: 1 } };
await groups.createOrUpdate(rg, { location });
const account = await storage.storageAccounts.create(rg, name, { location, kind: "StorageV2", sku: { name: "Standard_LRS" } });
const endpoint = account.primaryEndpoints.blob;
const [one, two] = (await storage.storageAccounts.listKeys(rg, name)).keys.map((key) => new StorageSharedKeyCredential(name, key.value));

/** the call is refused with this status and code */
async function refused(what, status, code, call) {
  try {
    await call();
  } catch (e) {
    return check(`${what} is refused (${status} ${code})`, e.statusCode === status && (e.code ?? e.details?.errorCode) === code, [e.statusCode, e.code, e.message]);
  }
  check(`${what} is refused`, false, "it succeeded");
}

// --- shared key ---
const service = new BlobServiceClient(endpoint, one, once);
const box = service.getContainerClient("box");
await box.create();
check("either key signs", (await all(new BlobServiceClient(endpoint, two, once).listContainers())).some((c) => c.name === "box"));
const text = box.getBlockBlobClient("a b/ü+%&=.txt");
await text.upload("hello", 5, { metadata: { who: "me" } });
check("a name of odd letters is signed, and read back", (await text.downloadToBuffer()).toString() === "hello");
check("it is listed", (await all(box.listBlobsFlat({ prefix: "a b/" }))).map((b) => b.name).join() === "a b/ü+%&=.txt");
const wrong = new StorageSharedKeyCredential(name, Buffer.alloc(64).toString("base64"));
await refused("another key", 403, "AuthenticationFailed", () => new BlobServiceClient(endpoint, wrong, once).getContainerClient("box").getProperties());
await refused("no credential", 401, "NoAuthenticationInformation", () => new ContainerClient(`${endpoint}box`, undefined, once).getProperties());

// --- shared access signatures ---
const hour = 3600e3, from = (ms) => new Date(Date.now() + ms);
const blobUrl = (more) => `${endpoint}box/${encodeURIComponent("a b")}/${encodeURIComponent("ü+%&=.txt")}?${more}`;
const sas = (more) => generateBlobSASQueryParameters({ containerName: "box", blobName: "a b/ü+%&=.txt", permissions: BlobSASPermissions.parse("r"), expiresOn: from(hour), protocol: SASProtocol.Https, ...more }, one).toString();
const open = (query) => new BlobClient(blobUrl(query), undefined, once);
check("a blob's signature reads it", (await open(sas()).downloadToBuffer()).toString() === "hello");
await refused("writing with a right to read", 403, "AuthorizationPermissionMismatch", () => open(sas()).getBlockBlobClient().upload("x", 1));
await refused("deleting with a right to read", 403, "AuthorizationPermissionMismatch", () => open(sas()).delete());
await refused("a signature that has expired", 403, "AuthenticationFailed", () => open(sas({ startsOn: from(-2 * hour), expiresOn: from(-hour) })).getProperties());
await refused("a signature that is not valid yet", 403, "AuthenticationFailed", () => open(sas({ startsOn: from(hour), expiresOn: from(2 * hour) })).getProperties());
await refused("a signature that was changed", 403, "AuthenticationFailed", () => open(sas().replace("sp=r", "sp=rw")).getProperties());
await refused("another blob's signature", 403, "AuthenticationFailed", () => new BlobClient(`${endpoint}box/other?${sas()}`, undefined, once).getProperties());
await refused("a signature for an address", 403, "AuthenticationFailed", () => open(sas({ ipRange: { start: "192.0.2.1" } })).getProperties());
const ofBox = generateBlobSASQueryParameters({ containerName: "box", permissions: ContainerSASPermissions.parse("rlw"), expiresOn: from(hour) }, two).toString();
const boxed = new ContainerClient(`${endpoint}box?${ofBox}`, undefined, once);
await boxed.getBlockBlobClient("new").upload("there", 5);
check("a container's signature lists, writes and reads", (await all(boxed.listBlobsFlat())).length === 2 && (await boxed.getBlobClient("new").downloadToBuffer()).toString() === "there");
await refused("another container with it", 403, "AuthenticationFailed", () => all(new ContainerClient(`${endpoint}boy?${ofBox}`, undefined, once).listBlobsFlat()));
const ofAccount = (types) => generateAccountSASQueryParameters({ permissions: AccountSASPermissions.parse("rwdlc"), expiresOn: from(hour), services: AccountSASServices.parse("b").toString(), resourceTypes: AccountSASResourceTypes.parse(types).toString() }, one).toString();
const whole = new BlobServiceClient(`${endpoint}?${ofAccount("sco")}`, undefined, once);
check("an account's signature lists containers", (await all(whole.listContainers())).length === 1);
await refused("a container with a signature for objects", 403, "AuthorizationResourceTypeMismatch", () => new BlobServiceClient(`${endpoint}?${ofAccount("o")}`, undefined, once).getContainerClient("box").getProperties());
await storage.storageAccounts.update(rg, name, { allowSharedKeyAccess: false });
await refused("a key of an account that allows none", 403, "KeyBasedAuthenticationNotPermitted", () => box.getProperties());
await refused("a signature there", 403, "KeyBasedAuthenticationNotPermitted", () => open(sas()).getProperties());
await storage.storageAccounts.update(rg, name, { allowSharedKeyAccess: true });

// --- page blobs ---
const pages = box.getPageBlobClient("disk.vhd");
await pages.create(8 << 20);
const data = Buffer.alloc(1 << 20, 7);
await pages.uploadPages(data, 2 << 20, data.length);
await pages.clearPages((2 << 20) + 512 * 1024, 512 * 1024);
const bytes = await pages.downloadToBuffer();
check("a page blob holds its pages", bytes.length === 8 << 20 && bytes[2 << 20] === 7 && bytes[(2 << 20) + 512 * 1024] === 0 && bytes[0] === 0);
const ranges = (await pages.getPageRanges()).pageRange;
check("and tells which they are", ranges.length === 1 && ranges[0].offset === 2 << 20 && ranges[0].count + 1 === 512 * 1024, ranges); // the SDK leaves the last byte out
check("it is a page blob", (await pages.getProperties()).blobType === "PageBlob" && (await all(box.listBlobsFlat({ prefix: "disk" })))[0].properties.blobType === "PageBlob");
await refused("a write that is not of whole pages", 416, "InvalidPageRange", () => pages.uploadPages(Buffer.alloc(100), 0, 100));
await refused("a write beyond its end", 416, "InvalidPageRange", () => pages.uploadPages(Buffer.alloc(512), 8 << 20, 512));

// --- a disk of it, read by a URL that carries its own right ---
const compute = client(ComputeManagementClient), { disks } = compute;
const disk = (await disks.beginCreateOrUpdateAndWait(rg, "imported", { location, creationData: { createOption: "Import", sourceUri: pages.url, storageAccountId: account.id } }, poll)).id;
const { rmSync, writeFileSync } = await import("node:fs"), { dirname } = await import("node:path");
const blocked = `${dirname(process.env.LF_CA_FILE)}/regions/westeurope`, anew = `${S}/resourceGroups/${rg}/providers/Microsoft.Compute/disks/anew?api-version=2023-04-02`;
const taken = (location, more) => arm("PUT", anew, { location, properties: { creationData: { createOption: "Import", sourceUri: pages.url, storageAccountId: account.id, ...more } } });
const became = async (word) => { for (const end = Date.now() + 60000; Date.now() < end; await new Promise((later) => setTimeout(later, 100))) if ((await arm("GET", anew)).json.properties.provisioningState === word) return true; return false; };
writeFileSync(blocked, ""); // a region whose store is none
await taken("westeurope");
await refused("making it of something else meanwhile", 409, "OperationNotAllowed", () => taken("westeurope", { createOption: "Empty", sourceUri: undefined, storageAccountId: undefined }));
rmSync(blocked);
check("and the import goes on once the store can be made", await became("Succeeded"));
const grant = (more = {}) => disks.beginGrantAccessAndWait(rg, "imported", { access: "Read", durationInSeconds: 600, ...more }, poll);
const reader = new BlobClient((await grant()).accessSAS, undefined, once), image = await reader.downloadToBuffer();
check("a disk is read by a shared access signature: a VHD of its bytes", image.length === (8 << 20) + 512 && bytes.equals(image.subarray(0, 8 << 20)) && image.toString("latin1", 8 << 20, (8 << 20) + 8) === "conectix", image.length);
check("and is a page blob", (await reader.getProperties()).blobType === "PageBlob");
await refused("deleting the blob by it", 403, "AuthorizationPermissionMismatch", () => reader.delete());
await refused("writing to a disk by one", 400, "OperationNotAllowed", () => grant({ access: "Write" }));
await refused("access for no time", 400, "InvalidParameter", () => grant({ durationInSeconds: 0 }));
await refused("deleting a disk that is read", 409, "OperationNotAllowed", () => disks.beginDeleteAndWait(rg, "imported", poll));
await disks.beginRevokeAccessAndWait(rg, "imported", poll);
await refused("reading after endGetAccess", 404, "ContainerNotFound", () => reader.downloadToBuffer());
const brief = new BlobClient((await grant({ durationInSeconds: 1 })).accessSAS, undefined, once);
await new Promise((done) => setTimeout(done, 1100));
await refused("reading when its time is over", 403, "AuthenticationFailed", () => brief.downloadToBuffer());
await disks.beginRevokeAccessAndWait(rg, "imported", poll);
await disks.beginDeleteAndWait(rg, "imported", poll);
check("a disk that is no longer read is deleted", !(await all(disks.listByResourceGroup(rg))).some((d) => d.id === disk));

// --- what is sent is kept, and shown ---
const props = { blobHTTPHeaders: { blobContentType: "application/json", blobContentEncoding: "identity", blobContentLanguage: "de", blobContentDisposition: "attachment", blobCacheControl: "no-cache" } };
const kept = box.getBlockBlobClient("dir1/kept.json");
const made = await kept.upload("{}", 2, { ...props, metadata: { who: "me", when: "now" }, tags: { env: "test", "a b": "c/d" }, tier: "Cool" });
const seen = await kept.getProperties();
check("type, encoding, language, disposition, cache control are kept", seen.contentType === "application/json" && seen.contentEncoding === "identity" && seen.contentLanguage === "de" && seen.contentDisposition === "attachment" && seen.cacheControl === "no-cache", seen);
check("metadata, tier, hash, times and tag count are shown", seen.metadata.who === "me" && seen.accessTier === "Cool" && !seen.accessTierInferred && Buffer.from(seen.contentMD5).toString("base64") === "mZFLkyvTelC5g8XnyQrpOw==" && seen.createdOn && seen.etag === made.etag && seen.tagCount === 2, seen);
check("a blob without a tier has the account's", (await text.getProperties()).accessTier === "Hot" && (await text.getProperties()).accessTierInferred === true);
check("tags are read", JSON.stringify((await kept.getTags()).tags) === JSON.stringify({ env: "test", "a b": "c/d" }));
await kept.setTags({ now: "other" });
await kept.setMetadata({ who: "you" });
await kept.setHTTPHeaders({ blobContentType: "text/plain" });
await kept.setAccessTier("Hot");
const listed = (await all(box.listBlobsFlat({ prefix: "dir1/", includeMetadata: true, includeTags: true })))[0];
check("changes are shown by lists", listed.metadata.who === "you" && !listed.metadata.when && listed.tags.now === "other" && listed.properties.contentType === "text/plain" && !listed.properties.cacheControl && listed.properties.accessTier === "Hot" && listed.properties.createdOn, listed);
check("the bytes stay", (await kept.downloadToBuffer()).toString() === "{}");
async function fetchPut(headers = { "content-md5": Buffer.alloc(16).toString("base64") }, target = "dir1/kept.json", method = "PUT", body = "xx", more = "") {
  const query = generateBlobSASQueryParameters({ containerName: "box", permissions: ContainerSASPermissions.parse("racwdt"), expiresOn: from(hour) }, one).toString();
  const answer = await fetch(`${endpoint}box/${target}?${query}${more}`, { method, body: method === "GET" || method === "HEAD" ? undefined : body, headers: { "x-ms-version": "2021-08-06", ...(method === "PUT" && !more ? { "x-ms-blob-type": "BlockBlob" } : {}), ...headers } });
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { statusCode: answer.status, code: answer.headers.get("x-ms-error-code"), headers: answer.headers });
  return answer;
}
await refused("a body that is not what its hash says", 400, "Md5Mismatch", () => fetchPut());
await kept.setMetadata(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, `v${i}`])));
const many = await kept.getProperties();
check("many pairs of metadata are all shown, beside what every answer has", Object.keys(many.metadata).length === 60 && many.metadata.k59 === "v59" && many.requestId && many.contentType, many);
await refused("metadata with a name that cannot be kept", 400, "InvalidMetadata", () => fetchPut({ "x-ms-meta-a-b": "1" }));
await refused("a tier that is not here", 400, "InvalidHeaderValue", () => kept.setAccessTier("Archive"));
const crc = await fetchPut({ "x-ms-content-crc64": "AAAAAAAAAAA=" }, "dir1/crc").catch((e) => e);
check("a wrong CRC64 is refused", crc.statusCode === 400 && crc.code === "Crc64Mismatch", crc);
check("a right one is taken", (await fetchPut({ "x-ms-content-crc64": Buffer.from("ae8b14860a799888", "hex").reverse().toString("base64") }, "dir1/crc", "PUT", "123456789")).status === 201);

// --- conditions ---
const lock = box.getBlockBlobClient("dir1/lock");
const first = (await lock.upload("1", 1)).etag, second = (await lock.upload("2", 1)).etag;
check("each write has another ETag", first !== second);
for (const [what, call] of [["an overwrite", (conditions) => lock.upload("3", 1, { conditions })], ["a deletion", (conditions) => lock.delete({ conditions })], ["a read", (conditions) => lock.download(0, 1, { conditions })], ["metadata", (conditions) => lock.setMetadata({}, { conditions })]])
  await refused(`${what} with an old ETag`, 412, "ConditionNotMet", () => call({ ifMatch: first }));
await refused("an upload over what is there, when it must not be", 409, "BlobAlreadyExists", () => lock.upload("3", 1, { conditions: { ifNoneMatch: "*" } }));
await refused("a read since which nothing has changed", 304, "ConditionNotMet", () => lock.getProperties({ conditions: { ifNoneMatch: second } }).catch((e) => { throw Object.assign(e, { code: e.code ?? "ConditionNotMet" }); }));
await refused("a write of what has changed since", 412, "ConditionNotMet", () => lock.upload("3", 1, { conditions: { ifUnmodifiedSince: new Date(0) } }));
check("with the right one it is done", (await lock.upload("3", 1, { conditions: { ifMatch: second } })).etag !== second && (await lock.downloadToBuffer()).toString() === "3");
await refused("a page blob over a block blob that must not be there", 409, "BlobAlreadyExists", () => box.getPageBlobClient("dir1/lock").create(512, { conditions: { ifNoneMatch: "*" } }));
await refused("a condition by tags", 400, "UnsupportedHeader", () => lock.upload("3", 1, { conditions: { tagConditions: "a = 'b'" } }));

// --- ranges ---
await refused("a range beyond the end", 416, "InvalidRange", () => lock.download(10, 5));
const beyond = await fetchPut({ range: "bytes=200-" }, "dir1/lock", "GET").catch((e) => e);
check("it says how long the blob is", beyond.headers?.get("content-range") === "bytes */1", beyond.headers?.get("content-range"));
const hashed = await lock.download(0, 1, { rangeGetContentMD5: true });
check("a range's hash is answered", hashed.contentMD5 && Buffer.from(hashed.contentMD5).toString("base64") === "7MvIfktc4v4oMI/Z8qe68w==", hashed.contentMD5);

// --- blocks ---
const big = Buffer.alloc(5 << 20).map((_, i) => i % 251), blocks = box.getBlockBlobClient("dir1/big");
await blocks.uploadData(big, { blockSize: 1 << 20, maxSingleShotSize: 0, concurrency: 3, blobHTTPHeaders: { blobContentType: "image/x" }, metadata: { of: "blocks" } });
check("a blob of blocks is what was sent", (await blocks.downloadToBuffer()).equals(big) && (await blocks.getProperties()).contentType === "image/x" && (await blocks.getProperties()).metadata.of === "blocks");
check("a range over blocks is right", (await blocks.downloadToBuffer((1 << 20) - 10, 20)).equals(big.subarray((1 << 20) - 10, (1 << 20) + 10)));
const committed = (await blocks.getBlockList("all")).committedBlocks;
check("its blocks are listed", committed.length === 5 && committed.every((b) => b.size === 1 << 20));
const id = (n) => Buffer.from(committed[0].name, "base64").fill(`${n}`).toString("base64");
await blocks.stageBlock(id(7), Buffer.from("seven"), 5);
check("a block that waits is listed, and changes nothing", (await blocks.getBlockList("uncommitted")).uncommittedBlocks.length === 1 && (await blocks.getProperties()).contentLength === big.length);
await refused("a list with a block that is not there", 400, "InvalidBlockList", () => blocks.commitBlockList([id(8)]));
await refused("ids of another length", 400, "InvalidBlobOrBlock", () => blocks.stageBlock("AAAA", Buffer.from("x"), 1));
await blocks.commitBlockList([committed[4].name, id(7), committed[4].name], { metadata: { of: "blocks" } });
check("blocks that are there and new ones make another blob", (await blocks.downloadToBuffer()).equals(Buffer.concat([big.subarray(4 << 20), Buffer.from("seven"), big.subarray(4 << 20)])) && !(await blocks.getBlockList("uncommitted")).uncommittedBlocks?.length);
await refused("a block of a page blob", 409, "InvalidBlobType", () => box.getBlockBlobClient("disk.vhd").stageBlock(id(1), Buffer.from("x"), 1));

// --- append blobs ---
const log = box.getAppendBlobClient("dir1/log");
await log.create({ blobHTTPHeaders: { blobContentType: "text/x-log" } });
check("append blocks say where they went", (await log.appendBlock("one,", 4)).blobAppendOffset === "0" && (await log.appendBlock("two", 3)).blobAppendOffset === "4");
await refused("an append at another place", 412, "AppendPositionConditionNotMet", () => log.appendBlock("x", 1, { conditions: { appendPosition: 3 } }));
check("the blob is what was appended", (await log.downloadToBuffer()).toString() === "one,two" && (await log.getProperties()).blobType === "AppendBlob" && (await log.getProperties()).blobCommittedBlockCount === 2);

// --- leases ---
const leaser = lock.getBlobLeaseClient(), other = lock.getBlobLeaseClient();
await leaser.acquireLease(15);
await refused("a write without the lease", 412, "LeaseIdMissing", () => lock.upload("x", 1));
await refused("a deletion without it", 412, "LeaseIdMissing", () => lock.delete());
await refused("a write with another's", 412, "LeaseIdMismatchWithBlobOperation", () => lock.upload("x", 1, { conditions: { leaseId: other.leaseId } }));
await refused("a second lease", 409, "LeaseAlreadyPresent", () => other.acquireLease(15));
await lock.upload("held", 4, { conditions: { leaseId: leaser.leaseId } });
const held = await lock.getProperties();
check("who has it writes, and it is shown", held.leaseState === "leased" && held.leaseStatus === "locked" && held.leaseDuration === "fixed" && (await lock.downloadToBuffer()).toString() === "held", held);
await leaser.renewLease();
await leaser.changeLease("11111111-2222-3333-4444-555555555555");
await leaser.breakLease(0);
check("a broken lease holds nobody", (await lock.getProperties()).leaseState === "broken");
await refused("it is not renewed", 409, "LeaseIsBrokenAndCannotBeRenewed", () => leaser.renewLease());
await leaser.releaseLease();
const boxLease = box.getBlobLeaseClient();
await boxLease.acquireLease(-1);
await refused("a container that is leased is not deleted", 412, "LeaseIdMissing", () => box.delete());
await boxLease.releaseLease();

// --- copies ---
const copy = box.getBlockBlobClient("dir2/copy"), started = await (await copy.beginCopyFromURL(blocks.url)).pollUntilDone();
check("a blob is copied", started.copyStatus === "success" && (await copy.downloadToBuffer()).equals(await blocks.downloadToBuffer()) && (await copy.getProperties()).metadata.of === "blocks" && (await copy.getProperties()).copyStatus === "success", started);
await box.getBlockBlobClient("dir2/url").syncUploadFromURL(`${blobUrl(sas())}`, { metadata: { new: "one" } });
check("a blob is put from a URL", (await box.getBlobClient("dir2/url").downloadToBuffer()).toString() === "hello" && (await box.getBlobClient("dir2/url").getProperties()).metadata.new === "one");
const pagesCopy = await (await box.getPageBlobClient("dir2/disk").beginCopyFromURL(pages.url)).pollUntilDone();
check("so is a page blob", pagesCopy.copyStatus === "success" && (await box.getPageBlobClient("dir2/disk").downloadToBuffer()).equals(bytes));
await refused("a source that is not there", 404, "CannotVerifyCopySource", () => copy.syncUploadFromURL(`${endpoint}box/none?${ofBox}`));
await refused("a source elsewhere", 400, "CannotVerifyCopySource", () => copy.beginCopyFromURL("https://example.org/a/b"));
check("what is refused changes nothing", (await copy.getProperties()).contentLength === (2 << 20) + 5);
await refused("a copy that is not pending is not aborted", 409, "NoPendingCopyOperation", () => copy.abortCopyFromURL("11111111-2222-3333-4444-555555555555"));

// --- snapshots: none ---
await refused("a snapshot", 400, "UnsupportedQueryParameter", () => lock.createSnapshot());
await refused("deleting one", 404, "BlobNotFound", () => lock.withSnapshot("2026-01-01T00:00:00.0000000Z").delete());
await lock.delete({ deleteSnapshots: "only" });
check("the blob is there", (await lock.downloadToBuffer()).toString() === "held");

// --- lists ---
for (const path of ["l/dir1/x", "l/dir1/y", "l/a-b", "l/a/b", "l/x.tmp-1"]) await box.getBlockBlobClient(path).upload("x", 1);
const walk = await all(box.listBlobsByHierarchy("/", { prefix: "l/" }));
check("folders are folders", walk.filter((i) => i.kind === "prefix").map((i) => i.name).join() === "l/a/,l/dir1/" && walk.filter((i) => i.kind === "blob").map((i) => i.name).join() === "l/a-b,l/x.tmp-1", walk.map((i) => i.name));
const flat = [];
for await (const page of box.listBlobsFlat({ prefix: "l/" }).byPage({ maxPageSize: 2 })) flat.push(page.segment.blobItems.map((b) => b.name));
check("pages are in the order of names, and the list is their union", flat.flat().join() === "l/a-b,l/a/b,l/dir1/x,l/dir1/y,l/x.tmp-1" && flat[0].length === 2, flat);
await service.getContainerClient("xbox").create({ metadata: { is: "x" } });
await service.getContainerClient("xcrate").create();
const boxes = (await service.listContainers({ prefix: "x", includeMetadata: true }).byPage({ maxPageSize: 1 }).next()).value;
check("containers are listed by prefix and page, with metadata", boxes.containerItems.length === 1 && boxes.containerItems[0].metadata.is === "x" && boxes.continuationToken && boxes.containerItems[0].properties.leaseStatus === "unlocked", boxes);
const about = await service.getContainerClient("xbox").getProperties();
check("a container says what it is", about.etag && about.lastModified && about.metadata.is === "x" && about.leaseState === "available");
await service.getContainerClient("xbox").setMetadata({ is: "y" });
check("and is changed", (await service.getContainerClient("xbox").getProperties()).metadata.is === "y" && (await service.getContainerClient("xbox").getProperties()).etag !== about.etag);
await refused("public access", 409, "PublicAccessNotPermitted", () => service.getContainerClient("xpublic").create({ access: "blob" }));
await refused("a stored access policy", 400, "UnsupportedXmlNode", () => service.getContainerClient("xbox").setAccessPolicy(undefined, [{ id: "p", accessPolicy: { permissions: "r" } }]));
check("there are none", (await service.getContainerClient("xbox").getAccessPolicy()).signedIdentifiers.length === 0);
await refused("a container's name that is too short", 400, "OutOfRangeInput", () => service.getContainerClient("xy").create());
check("the account says what it is", (await service.getAccountInfo()).skuName === "Standard_LRS" && (await service.getAccountInfo()).accountKind === "StorageV2");
check("the service's settings are read", (await service.getProperties()).deleteRetentionPolicy.enabled === false);
await refused("a setting without effect", 400, "UnsupportedXmlNode", () => service.setProperties({ deleteRetentionPolicy: { enabled: true, days: 7 } }));
await refused("a batch", 400, "UnsupportedQueryParameter", () => service.getBlobBatchClient().deleteBlobs([lock]));

// --- services and containers by the management plane ---
check("the services' settings are there", (await storage.blobServices.getServiceProperties(rg, name)).deleteRetentionPolicy.enabled === false && (await storage.fileServices.getServiceProperties(rg, name)).shareDeleteRetentionPolicy.enabled === false);
check("as they are they can be set", (await storage.blobServices.setServiceProperties(rg, name, { deleteRetentionPolicy: { enabled: false }, isVersioningEnabled: false })).name === "default");
await refused("versions", 400, "OperationNotAllowed", () => storage.blobServices.setServiceProperties(rg, name, { isVersioningEnabled: true }));
const byArm = await storage.blobContainers.create(rg, name, "byarm", { metadata: { is: "arm" } });
check("a container is made there, and is one of the blob service", byArm.metadata.is === "arm" && byArm.publicAccess === "None" && (await service.getContainerClient("byarm").getProperties()).metadata.is === "arm", byArm);
await storage.blobContainers.update(rg, name, "byarm", { metadata: { is: "other" } });
check("it is changed and listed", (await storage.blobContainers.get(rg, name, "byarm")).metadata.is === "other" && (await all(storage.blobContainers.list(rg, name))).map((c) => c.name).join() === "box,byarm,xbox,xcrate");
const told = (await arm("GET", `${account.id}/blobServices/default/containers/byarm?api-version=2023-05-01`)).json;
for (const method of ["PUT", "PATCH"])
  check(`what was read of it can be sent back by ${method}`, (await arm(method, `${told.id}?api-version=2023-05-01`, told)).json.properties.metadata.is === "other");
await refused("metadata that no header can hold", 400, "InvalidMetadata", () => storage.blobContainers.update(rg, name, "byarm", { metadata: { is: "a\u0001" } }));
await refused("metadata that is too long", 400, "MetadataTooLarge", () => storage.blobContainers.update(rg, name, "byarm", { metadata: { is: "a".repeat(8191) } }));
await refused("a public container", 409, "PublicAccessNotPermitted", () => storage.blobContainers.create(rg, name, "public", { publicAccess: "Blob" }));
await refused("a container's name with capitals", 400, "ContainerNameInvalid", () => storage.blobContainers.get(rg, name, "byARM"));
await storage.blobContainers.delete(rg, name, "byarm");
await refused("one that is gone", 404, "ContainerNotFound", () => storage.blobContainers.get(rg, name, "byarm"));
await refused("a member of an account that has no effect", 400, "InvalidParameter", () => arm("PATCH", `${account.id}?api-version=2023-05-01`, { properties: { enableExtendedGroups: true } }));

// --- times of signatures ---
const at = (ms) => from(ms).toISOString();
const timed = async (se, st) => {
  const { createHmac } = await import("node:crypto"), version = "2021-08-06";
  const signed = ["r", st ?? "", se, `/blob/${name}/box/dir1/lock`, "", "", "", version, "b", "", "", "", "", "", "", ""].join("\n");
  const sig = createHmac("sha256", one.accountKey).update(signed).digest("base64");
  return fetch(`${endpoint}box/dir1/lock?${new URLSearchParams({ sv: version, sr: "b", sp: "r", se, ...(st ? { st } : {}), sig })}`);
};
for (const form of [at(48 * hour).slice(0, 10), `${at(hour).slice(0, 16)}Z`, `${at(hour).slice(0, 19)}Z`, `${at(hour).slice(0, 19)}.1234567Z`])
  check(`an expiry of the form ${form.replace(/\d/g, "0")} is read`, (await timed(form)).status === 200 && (await timed(form, at(-48 * hour).slice(0, 10))).status === 200);
check("another form is refused", (await timed("tomorrow")).status === 403 && (await timed(`${at(hour).slice(0, 19)}+01:00`)).status === 403);

// --- pages, once more ---
await refused("pages that are cleared with a body", 400, "InvalidHeaderValue", () => fetchPut({ "x-ms-page-write": "clear", "x-ms-range": "bytes=0-511" }, "disk.vhd", "PUT", "x", "&comp=page"));
await pages.clearPages(0, 8 << 20);
const small = await pages.uploadPages(Buffer.alloc(512, 1), 512, 512);
check("a page of 512 bytes is listed as one", JSON.stringify((await pages.getPageRanges()).pageRange.map((r) => [r.offset, r.count])) === "[[512,511]]", (await pages.getPageRanges()).pageRange);
check("its write says what the blob is", small.etag && small.lastModified && small.blobSequenceNumber === 0, small);
await refused("a write of pages with an old ETag", 412, "ConditionNotMet", () => pages.uploadPages(Buffer.alloc(512, 1), 0, 512, { conditions: { ifMatch: first } }));
await pages.updateSequenceNumber("update", 7);
await refused("a write at another sequence number", 412, "SequenceNumberConditionNotMet", () => pages.uploadPages(Buffer.alloc(512, 1), 0, 512, { conditions: { ifSequenceNumberEqualTo: 6 } }));
await pages.resize(4 << 20);
check("it is made shorter", (await pages.getProperties()).contentLength === 4 << 20 && (await pages.getProperties()).blobSequenceNumber === 7);

await box.getBlockBlobClient("disk.vhd").upload("block", 5);
check("a block blob replaces it", (await pages.getProperties()).blobType === "BlockBlob" && (await all(box.listBlobsFlat({ prefix: "disk" }))).length === 1);
await pages.delete();
await refused("a blob that is gone", 404, "BlobNotFound", () => pages.getProperties().catch((e) => { throw Object.assign(e, { code: e.code ?? "BlobNotFound" }); }));
await groups.beginDeleteAndWait(rg, { updateIntervalInMs: 50 });
