package scaffold

import (
	"slices"
	"strings"
	"unicode"
)

// kind is what the values of a field must look like.
type kind int

const (
	text kind = iota
	id
	timestamp
	decimal
	whole
	status
)

// vocabulary is a field of the contract and the headers it goes by, the surest first. Headers are compared by their
// letters and digits alone, small, so that "Customer ID", customer_id and CustomerID are one.
type vocabulary struct {
	field string
	kind  kind
	names string
}

var orderWords = []vocabulary{
	{"id", id, "orderid ordernumber orderno ordernum invoiceno invoiceid invoicenumber invoice order receiptno receiptid receipt transactionid transactionno номерзаказа idзаказа кодзаказа заказ номерсчета счет номернакладной накладная номерчека чек номердокумента документ"},
	{"number", id, "ordernumber orderno ordernum invoiceno invoicenumber invoice number номерзаказа номер"},
	{"ordered_at", timestamp, "orderedat orderdate ordereddate orderdatetime ordertime invoicedate purchasedate purchasedat placedat transactiondate saledate datetime createdat creationdate created date timestamp датаивремя датазаказа датапокупки датапродажи датасоздания датадокумента дата"},
	{"customer_id", id, "customerid customerno customernumber customercode customer clientid client userid user buyerid buyer accountid account contactid memberid custid idклиента кодклиента клиентid номерклиента клиент idпокупателя кодпокупателя покупатель кодконтрагента контрагент"},
	{"email", text, "email emailaddress customeremail contactemail mail электроннаяпочта эпочта почта емейл имейл"},
	{"phone", text, "phone phonenumber customerphone telephone mobile mobilephone tel телефон номертелефона мобильный"},
	{"status", status, "status orderstatus financialstatus state orderstate статус статусзаказа состояние"},
	{"items_total", decimal, "itemstotal subtotal ordertotal totalamount orderamount totalprice grandtotal total amount sum revenue totalspent ordervalue суммазаказа стоимостьзаказа сумма итого всего"},
	{"discount", decimal, "discount discountamount discounttotal totaldiscount скидка суммаскидки"},
	{"shipping", decimal, "shipping shippingcost shippingtotal deliverycost delivery freight доставка стоимостьдоставки"},
	{"tax", decimal, "tax taxes taxtotal totaltax vat налог ндс"},
	{"refunded", decimal, "refunded refundamount totalrefunded возвращено суммавозврата"},
	{"currency", text, "currency currencycode валюта"},
	{"coupon", text, "coupon couponcode discountcode promocode промокод купон"},
	{"channel", text, "channel saleschannel orderchannel канал каналпродаж"},
	{"delivered_at", timestamp, "deliveredat deliverydate датадоставки"},
}

var lineWords = []vocabulary{
	{"line_no", whole, "lineno linenumber line positionno номерстроки строка"},
	{"product_id", id, "productid productcode itemid itemcode stockcode idтовара кодтовара"},
	{"sku", id, "sku lineitemsku article articlenumber vendorcode артикул"},
	{"name", text, "productname itemname lineitemname product item description title наименованиетовара наименование товар названиетовара название номенклатура"},
	{"quantity", decimal, "quantity qty lineitemquantity units pieces count количество колво кол штук шт"},
	{"price", decimal, "unitprice itemprice lineitemprice priceperunit price ценазаединицу ценазашт цена"},
	{"cost", decimal, "unitcost itemcost cost purchaseprice себестоимость закупочнаяцена"},
}

var customerWords = []vocabulary{
	{"id", id, "customerid customerno customernumber customercode clientid userid buyerid accountid contactid memberid custid idклиента кодклиента клиентid номерклиента idпокупателя кодпокупателя кодконтрагента customer client клиент покупатель"},
	{"email", text, "email emailaddress customeremail contactemail mail электроннаяпочта эпочта почта емейл имейл"},
	{"phone", text, "phone phonenumber customerphone telephone mobile mobilephone tel телефон номертелефона мобильный"},
	{"first_name", text, "firstname givenname имя"},
	{"last_name", text, "lastname surname familyname фамилия"},
	{"city", text, "city town город"},
	{"country", text, "country страна"},
	{"registered_at", timestamp, "registeredat registrationdate registered signupdate signedupat joinedat joindate customersince since createdat created dateadded датарегистрации зарегистрирован датасоздания"},
}

var productWords = []vocabulary{
	{"id", id, "productid productcode itemid itemcode stockcode idтовара кодтовара"},
	{"sku", id, "sku article articlenumber vendorcode артикул"},
	{"name", text, "productname itemname name product item title наименование название товар номенклатура"},
	{"category", text, "category categoryname productcategory категория группа"},
	{"brand", text, "brand manufacturer vendor бренд производитель"},
	{"price", decimal, "price unitprice retailprice listprice цена"},
	{"cost", decimal, "cost unitcost purchaseprice себестоимость закупочнаяцена"},
}

// genericID are headers of a number whose meaning only the rest of the table tells.
const genericID = "id number no code key uid guid uuid номер код"

// statusWords are the states of orders in the words shops use.
var statusWords = map[string]string{
	"placed":    "placed new pending created open unpaid onhold awaitingpayment pendingpayment новый принят создан оформлен ожидаетоплаты неоплачен",
	"paid":      "paid processing confirmed inprogress оплачен подтвержден вработе вобработке обрабатывается",
	"shipped":   "shipped sent dispatched intransit отправлен отгружен впути доставляется передандоставке",
	"completed": "completed complete delivered done fulfilled closed finished выполнен доставлен завершен получен закрыт выдан",
	"cancelled": "cancelled canceled refunded returned failed void voided rejected declined отменен отмена аннулирован возврат возвращен отказ",
}

// fileWords are parts of file names that tell what a file holds, when its columns leave a doubt.
var fileWords = []struct {
	role  role
	parts string
}{
	{lines, "orderline orderitem lineitem orderposition позиции строки составзаказ"},
	{customers, "customer client user buyer contact клиент покупател контрагент"},
	{products, "product catalog товар номенклатур каталог"},
	{orders, "order sale invoice purchase transaction receipt заказ продаж чек накладн"},
}

func normal(header string) string {
	header = strings.NewReplacer("№", "номер", "#", "number", "ё", "е", "Ё", "е").Replace(header)
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, header)
}

// state gives the contract's word for a state of an order, "" for an unknown one.
func state(word string) string {
	word = normal(word)
	for _, known := range []string{"placed", "paid", "shipped", "completed", "cancelled"} {
		if slices.Contains(strings.Fields(statusWords[known]), word) {
			return known
		}
	}
	return ""
}
