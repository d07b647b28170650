// The blob service: what an account's key signs, what a shared access signature allows, page blobs and what they hold.
import { StorageManagementClient } from "@azure/arm-storage";
import { ResourceManagementClient } from "@azure/arm-resources";
import { BlobServiceClient, ContainerClient, BlobClient, StorageSharedKeyCredential, generateBlobSASQueryParameters,
  generateAccountSASQueryParameters, BlobSASPermissions, ContainerSASPermissions, AccountSASPermissions,
  AccountSASResourceTypes, AccountSASServices, SASProtocol } from "@azure/storage-blob";
import { ComputeManagementClient } from "@azure/arm-compute";
import { all, check, client, poll, prefix } from "./lib.mjs";

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
const grant = (more = {}) => disks.beginGrantAccessAndWait(rg, "imported", { access: "Read", durationInSeconds: 600, ...more }, poll);
const reader = new BlobClient((await grant()).accessSAS, undefined, once), image = await reader.downloadToBuffer();
check("a disk is read by a shared access signature: a VHD of its bytes", image.length === (8 << 20) + 512 && bytes.equals(image.subarray(0, 8 << 20)) && image.toString("latin1", 8 << 20, (8 << 20) + 8) === "conectix", image.length);
check("and is a page blob", (await reader.getProperties()).blobType === "PageBlob");
await refused("deleting the blob by it", 403, "AuthorizationPermissionMismatch", () => reader.delete());
await refused("writing to a disk by one", 400, "OperationNotAllowed", () => grant({ access: "Write" }));
await refused("access for no time", 400, "InvalidParameter", () => grant({ durationInSeconds: 0 }));
await refused("deleting a disk that is read", 409, "OperationNotAllowed", () => disks.beginDeleteAndWait(rg, "imported", poll));
await disks.beginRevokeAccessAndWait(rg, "imported", poll);
await refused("reading after endGetAccess", 404, "BlobNotFound", () => reader.downloadToBuffer());
const brief = new BlobClient((await grant({ durationInSeconds: 1 })).accessSAS, undefined, once);
await new Promise((done) => setTimeout(done, 1100));
await refused("reading when its time is over", 403, "AuthenticationFailed", () => brief.downloadToBuffer());
await disks.beginRevokeAccessAndWait(rg, "imported", poll);
await disks.beginDeleteAndWait(rg, "imported", poll);
check("a disk that is no longer read is deleted", !(await all(disks.listByResourceGroup(rg))).some((d) => d.id === disk));

await box.getBlockBlobClient("disk.vhd").upload("block", 5);
check("a block blob replaces it", (await pages.getProperties()).blobType === "BlockBlob" && (await all(box.listBlobsFlat({ prefix: "disk" }))).length === 1);
await pages.delete();
await refused("a blob that is gone", 404, "BlobNotFound", () => pages.getProperties().catch((e) => { throw Object.assign(e, { code: e.code ?? "BlobNotFound" }); }));
await groups.beginDeleteAndWait(rg, { updateIntervalInMs: 50 });
