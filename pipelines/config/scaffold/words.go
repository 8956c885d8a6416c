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
	words map[string]string // of an enumeration; see enumWords
}

var orderWords = []vocabulary{
	{field: "id", kind: id, names: "orderid ordernumber orderno ordernum invoiceno invoiceid invoicenumber invoice order receiptno receiptid receipt transactionid transactionno номерзаказа idзаказа кодзаказа заказ номерсчета счет номернакладной накладная номерчека чек номердокумента документ"},
	{field: "number", kind: id, names: "ordernumber orderno ordernum invoiceno invoicenumber invoice number номерзаказа номер"},
	{field: "ordered_at", kind: timestamp, names: "orderedat orderdate ordereddate orderdatetime ordertime invoicedate purchasedate purchasedat placedat transactiondate saledate datetime createdat datecreated creationdate created date timestamp датаивремя датазаказа датапокупки датапродажи датасоздания датадокумента дата"},
	{field: "customer_id", kind: id, names: "customerid customerno customernumber customercode customer clientid client userid user buyerid buyer accountid account contactid memberid custid idклиента кодклиента клиентid номерклиента клиент idпокупателя кодпокупателя покупатель кодконтрагента контрагент"},
	{field: "email", kind: text, names: "email emailaddress customeremail contactemail mail электроннаяпочта элпочта эпочта почта емейл имейл"},
	{field: "phone", kind: text, names: "phone phonenumber customerphone telephone mobile mobilephone tel телефон номертелефона мобильный"},
	{field: "status", kind: status, names: "status orderstatus financialstatus state orderstate статус статусзаказа состояние"},
	{field: "items_total", kind: decimal, names: "itemstotal subtotal ordertotal totalamount orderamount totalprice grandtotal total amount sum revenue totalspent ordervalue суммазаказа стоимостьзаказа сумма итого всего"},
	{field: "discount", kind: decimal, names: "discount discountamount discounttotal totaldiscount скидка суммаскидки"},
	{field: "shipping", kind: decimal, names: "shipping shippingcost shippingtotal deliverycost delivery freight доставка стоимостьдоставки"},
	{field: "tax", kind: decimal, names: "tax taxes taxtotal totaltax vat налог ндс"},
	{field: "refunded", kind: decimal, names: "refunded refundamount totalrefunded возвращено суммавозврата"},
	{field: "currency", kind: text, names: "currency currencycode валюта"},
	{field: "coupon", kind: text, names: "coupon couponcode discountcode promocode промокод купон"},
	{field: "channel", kind: text, names: "channel saleschannel orderchannel канал каналпродаж"},
	{field: "delivered_at", kind: timestamp, names: "deliveredat deliverydate датадоставки"},
}

var lineWords = []vocabulary{
	{field: "line_no", kind: whole, names: "lineno linenumber line positionno номерстроки строка"},
	{field: "product_id", kind: id, names: "productid productcode itemid itemcode stockcode idтовара кодтовара"},
	{field: "sku", kind: id, names: "sku lineitemsku article articlenumber vendorcode артикул"},
	{field: "name", kind: text, names: "productname itemname lineitemname product item description title наименованиетовара наименование товар названиетовара название номенклатура"},
	{field: "quantity", kind: decimal, names: "quantity qty lineitemquantity units pieces count количество колво кол штук шт"},
	{field: "price", kind: decimal, names: "unitprice itemprice lineitemprice priceperunit price ценазаединицу ценазашт цена"},
	{field: "cost", kind: decimal, names: "unitcost itemcost cost purchaseprice себестоимость закупочнаяцена"},
}

var customerWords = []vocabulary{
	{field: "id", kind: id, names: "customerid customerno customernumber customercode clientid userid buyerid accountid contactid memberid custid idклиента кодклиента клиентid номерклиента idпокупателя кодпокупателя кодконтрагента customer client клиент покупатель"},
	{field: "email", kind: text, names: "email emailaddress customeremail contactemail mail электроннаяпочта элпочта эпочта почта емейл имейл"},
	{field: "phone", kind: text, names: "phone phonenumber customerphone telephone mobile mobilephone tel телефон номертелефона мобильный"},
	{field: "first_name", kind: text, names: "firstname givenname имя"},
	{field: "last_name", kind: text, names: "lastname surname familyname фамилия"},
	{field: "city", kind: text, names: "city town город"},
	{field: "country", kind: text, names: "country страна"},
	{field: "registered_at", kind: timestamp, names: "registeredat registrationdate registered signupdate signedupat joinedat joindate customersince since createdat created dateadded датарегистрации зарегистрирован датасоздания"},
}

var productWords = []vocabulary{
	{field: "id", kind: id, names: "productid productcode itemid itemcode stockcode idтовара кодтовара"},
	{field: "sku", kind: id, names: "sku article articlenumber vendorcode артикул"},
	{field: "name", kind: text, names: "productname itemname name product item title наименование название товар номенклатура"},
	{field: "category", kind: text, names: "category categoryname productcategory producttype series категория группа"},
	{field: "brand", kind: text, names: "brand manufacturer vendor бренд производитель"},
	{field: "price", kind: decimal, names: "price unitprice retailprice listprice salesprice цена"},
	{field: "cost", kind: decimal, names: "cost unitcost purchaseprice себестоимость закупочнаяцена"},
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

var sameLetters = strings.NewReplacer("№", "номер", "#", "number", "ё", "е", "Ё", "е")

func normal(header string) string {
	header = sameLetters.Replace(header)
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, header)
}

// units are the words behind the name of a column of numbers that say what they are counted in.
const units = "rub rur eur usd gbp chf pln uah kzt byn sek nok dkk czk try € $ £ ₽ ₴ ₸ руб рублей рубли р грн тг тенге pcs шт " +
	"net gross incl excl inc ex vat tax без с вкл ндс"

// withoutUnit is a header without the units behind it: "Сумма, руб. (без НДС)" is "Сумма".
func withoutUnit(header string) string {
	for at, r := range header {
		if at > 0 && !inWord(r) && areUnits(header[at:]) {
			return header[:at]
		}
	}
	return header
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Sc, r)
}

// areUnits tells whether a text is units and nothing else.
func areUnits(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !inWord(r) })
	known := strings.Fields(units)
	return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return !slices.Contains(known, word) })
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
