// Package bitrix24 reads the CRM and the telephony of Bitrix24 through its REST
// interface: customers, managers, pipelines and stages, deals with their stage
// history, activities, calls, invoices, and complaints kept in a smart process.
//
// Records of the CRM are read with crm.item.list: of all methods it alone has the
// same form for every type, typed values, all contacts of a deal, invoices and
// smart processes; the vendor recommends it and has frozen crm.deal.list and its
// like. A list is read by ID, fifty records a page, up to fifty pages a request:
// batch has each page begin behind the last record of the page before.
//
// What has changed is found by the time of change, in windows (package window).
// Nothing in Bitrix24 tells what was deleted or merged: keys are compared now and
// then. What the owner of the webhook may not read is left out by Bitrix24 without
// a word; so the connector asks who the owner is and says when it is nobody who may
// read everything.
package bitrix24
